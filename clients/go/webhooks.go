package flowpact

// Written by hand; the types of the events come from the contract.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrWebhook is a message that is not from whom it should be, or not of now: answer 400 and do nothing.
var ErrWebhook = errors.New("the message is not to be trusted")

// WebhookVerifier verifies messages to a webhook, which are signed as Standard Webhooks 1.0 says.
type WebhookVerifier struct {
	// Secrets of which one has to fit: two while a secret is rotated. Each is `whsec_` and base64.
	Secrets []string
	// Tolerance is how old a message may be, or ahead of this machine's clock. Default 5 minutes.
	Tolerance time.Duration
	// Now is the time to hold a message against. Default time.Now.
	Now func() time.Time
}

// VerifyWebhook gives the event in a message to a webhook, once it is certain that Flowpact has sent it: the field that is
// not nil tells what has happened. `payload` is the body as it came. While a secret is rotated, both may be given. What is
// refused is an ErrWebhook: not signed with a secret, too old, or of a type that this version does not know.
func VerifyWebhook(payload []byte, header http.Header, secrets ...string) (WebhookPayload, error) {
	return WebhookVerifier{Secrets: secrets}.Verify(payload, header)
}

// Verify is VerifyWebhook with the settings of the verifier.
func (v WebhookVerifier) Verify(payload []byte, header http.Header) (WebhookPayload, error) {
	var event WebhookPayload
	if err := v.verify(payload, header); err != nil {
		return event, err
	}
	if err := json.Unmarshal(payload, &event); err != nil || event.GetActualInstance() == nil {
		return WebhookPayload{}, fmt.Errorf("%w: it is none that this version of the SDK knows", ErrWebhook)
	}
	return event, nil
}

func (v WebhookVerifier) verify(payload []byte, header http.Header) error {
	values := make(map[string]string)
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		if values[name] = strings.Join(header.Values(name), " "); values[name] == "" {
			return fmt.Errorf("%w: the header %s is missing", ErrWebhook, name)
		}
	}
	if err := v.checkAge(values["webhook-timestamp"]); err != nil {
		return err
	}
	given := signatures(values["webhook-signature"])
	fits := false
	for _, secret := range v.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return errors.New("the secret of a webhook is `whsec_` and base64") // No error holds a secret.
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", values["webhook-id"], values["webhook-timestamp"], payload)
		expected := mac.Sum(nil)
		for _, signature := range given {
			fits = hmac.Equal(expected, signature) || fits
		}
	}
	if !fits {
		return fmt.Errorf("%w: no signature fits: another secret, or a body that was changed on its way", ErrWebhook)
	}
	return nil
}

func (v WebhookVerifier) checkAge(timestamp string) error {
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil {
		return fmt.Errorf("%w: webhook-timestamp is not a number of seconds", ErrWebhook)
	}
	now, tolerance := time.Now, 5*time.Minute
	if v.Now != nil {
		now = v.Now
	}
	if v.Tolerance > 0 {
		tolerance = v.Tolerance
	}
	if age := now().Sub(time.Unix(int64(seconds), 0)); age.Abs() > tolerance {
		return fmt.Errorf("%w: it is %.0f seconds old, and %.0f are allowed", ErrWebhook, age.Seconds(), tolerance.Seconds())
	}
	return nil
}

func signatures(header string) [][]byte {
	var found [][]byte
	for _, part := range strings.Split(header, " ") {
		if text, ok := strings.CutPrefix(part, "v1,"); ok {
			if signature, err := base64.StdEncoding.DecodeString(text); err == nil {
				found = append(found, signature)
			}
		}
	}
	return found
}
