package flowpact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	body   = `{"id":"evt_01kaq5f2m8e3s4t5v6w7x8y9z0","type":"webhook.test","timestamp":"2026-11-22T10:29:59.131Z",` +
		`"data":{"webhook_id":"wh_01kaq5d2m8e3s4t5v6w7x8y9z0","message":"ü"}}`
)

var now = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

func signed(text, by string, at time.Time) http.Header {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(by, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "evt_1.%d.%s", at.Unix(), text)
	return http.Header{
		"Webhook-Id":        {"evt_1"},
		"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

func with(header http.Header, name, value string) http.Header {
	changed := header.Clone()
	changed.Set(name, value)
	return changed
}

func verify(text string, header http.Header, secrets ...string) (WebhookPayload, error) {
	return WebhookVerifier{Secrets: secrets, Now: func() time.Time { return now }}.Verify([]byte(text), header)
}

func TestWebhooksThatAreVerified(t *testing.T) {
	mine, others := signed(body, secret, now), signed(body, other, now)
	both := with(mine, "webhook-signature", mine.Get("webhook-signature")+" "+others.Get("webhook-signature"))
	for name, test := range map[string]struct {
		header  http.Header
		secrets []string
	}{
		"a signature":                        {mine, []string{secret}},
		"either secret during a rotation":    {others, []string{secret, other}},
		"two signatures, for the old secret": {both, []string{secret}},
		"two signatures, for the new secret": {both, []string{other}},
		"signatures that are for others":     {with(mine, "webhook-signature", "v1,AAAA v1a,xyz "+mine.Get("webhook-signature")), []string{secret}},
	} {
		event, err := verify(body, test.header, test.secrets...)
		if err != nil || event.WebhookTestWebhook == nil || event.WebhookTestWebhook.Data.WebhookId != "wh_01kaq5d2m8e3s4t5v6w7x8y9z0" {
			t.Errorf("%s: got %v, %v", name, event, err)
		}
	}
	old := now.Add(-15 * time.Minute)
	lenient := WebhookVerifier{Secrets: []string{secret}, Tolerance: 15 * time.Minute, Now: func() time.Time { return now }}
	if _, err := lenient.Verify([]byte(body), signed(body, secret, old)); err != nil {
		t.Errorf("another tolerance: %v", err)
	}
}

func TestTheExampleOfTheSpecificationIsVerified(t *testing.T) {
	// What the reference libraries of Standard Webhooks hold themselves against; its body is no event.
	header := http.Header{
		"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
		"Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	verifier := WebhookVerifier{Secrets: []string{secret}, Now: func() time.Time { return time.Unix(1614265330, 0) }}
	if err := verifier.verify([]byte(`{"test": 2432232314}`), header); err != nil {
		t.Error(err)
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	mine := signed(body, secret, now)
	without := func(name string) http.Header {
		header := mine.Clone()
		header.Del(name)
		return header
	}
	event := func(text string) (string, http.Header, string) { return text, signed(text, secret, now), secret }
	refused := func(want string) func(text string, header http.Header, secret string) {
		return func(text string, header http.Header, secret string) {
			t.Helper()
			if got, err := verify(text, header, secret); !errors.Is(err, ErrWebhook) || !strings.Contains(err.Error(), want) || got.GetActualInstance() != nil {
				t.Errorf("%s: got %v", want, err)
			}
		}
	}
	refused("no signature fits")(body, mine, other)
	refused("no signature fits")(body+" ", mine, secret)
	refused("no signature fits")(body, with(mine, "webhook-id", "evt_2"), secret)
	for _, signature := range []string{"v1", "v1,", "v1,%%%", "v2,AAAA", "AAAA"} {
		refused("no signature fits")(body, with(mine, "webhook-signature", signature), secret)
	}
	for _, off := range []time.Duration{-301 * time.Second, 301 * time.Second} {
		refused("seconds old")(body, signed(body, secret, now.Add(-off)), secret)
	}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		refused(name+" is missing")(body, without(name), secret)
	}
	refused("not a number")(body, with(mine, "webhook-timestamp", "soon"), secret)
	refused("not a number")(body, with(mine, "webhook-timestamp", "-1"), secret)
	for _, text := range []string{`{"type":"moon.landed"}`, `{"type":"webhook.test"}`, "{}", "[]", "null", "1", "text"} {
		refused("none that this version")(event(text))
	}
}

func TestASecretThatIsNoneIsNotShown(t *testing.T) {
	for _, wrong := range []string{"whsec_%%%", "whsec_", ""} {
		if _, err := verify(body, signed(body, secret, now), wrong); err == nil || err.Error() != "the secret of a webhook is `whsec_` and base64" {
			t.Errorf("got %v", err)
		}
	}
}

func TestVerifyWebhookHoldsAgainstTheClock(t *testing.T) {
	if _, err := VerifyWebhook([]byte(body), signed(body, secret, time.Now()), secret); err != nil {
		t.Error(err)
	}
	if _, err := VerifyWebhook([]byte(body), signed(body, secret, time.Now().Add(-time.Hour)), secret); !errors.Is(err, ErrWebhook) {
		t.Errorf("got %v", err)
	}
}
