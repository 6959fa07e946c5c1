package flowpact

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	execution = "exec_01kaq4j9qaf5h6j7k8m9n0p1q2"
	requestID = "7b0e0f6e-3e6b-4f0e-9a55-4f5a3c1c0a11"
	meta      = `"meta":{"request_id":"` + requestID + `","timestamp":"2026-11-22T10:30:00.000Z"}`
	ticket    = `{"data":{"ticket":"fp_ticket_3xK9vQ1sZr8TnB4mWc7YhD2pLf6GjE5a","execution_id":"` + execution +
		`","after":0,"expires_at":"2026-11-22T10:31:00.000Z"},` + meta + `}`
)

// An answer; a status of 0 breaks the connection, `missing` bytes are promised and do not come.
type told struct {
	status  int
	body    string
	header  map[string]string
	missing int
}

func failed(status int, code string, header map[string]string) told {
	return told{status: status, body: `{"error":{"code":"` + code + `","message":"No.","details":{}},` + meta + `}`, header: header}
}

var (
	unavailable = failed(503, "service_unavailable", nil)
	limited     = failed(429, "rate_limit_exceeded", map[string]string{"Retry-After": "3"})
	nothing     = told{status: 204}
	breaks      = told{}
)

type asked struct {
	*http.Request
	body string
}

// A server that gives its answers one after the other and remembers what it was asked, and a client that remembers how
// long it would have slept.
type fixture struct {
	client *APIClient
	lock   sync.Mutex
	asked  []asked
	slept  []time.Duration
}

func (f *fixture) requests() []asked {
	f.lock.Lock()
	defer f.lock.Unlock()
	return slices.Clone(f.asked)
}

func serve(t *testing.T, policy CallPolicy, answers ...told) *fixture {
	t.Helper()
	return serveBy(t, policy, func(*http.Request) told {
		if len(answers) == 0 {
			t.Error("asked too often")
			return breaks
		}
		answer := answers[0]
		answers = answers[1:]
		return answer
	})
}

func serveBy(t *testing.T, policy CallPolicy, answer func(*http.Request) told) *fixture {
	t.Helper()
	f := &fixture{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		f.lock.Lock()
		f.asked = append(f.asked, asked{request, string(body)})
		told := answer(request)
		f.lock.Unlock()
		if told.status == 0 || told.missing > 0 {
			connection, _, err := writer.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if told.missing > 0 {
				_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n"+told.body)
			}
			connection.Close()
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		for name, value := range told.header {
			writer.Header().Set(name, value)
		}
		writer.WriteHeader(told.status)
		_, _ = io.WriteString(writer, told.body)
	}))
	// Go itself repeats what was lost on a connection that it had used before.
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	f.client = f.at(server.URL, policy)
	return f
}

func (f *fixture) at(url string, policy CallPolicy) *APIClient {
	policy.random = func() float64 { return 1 }
	policy.sleep = func(ctx context.Context, delay time.Duration) error {
		f.slept = append(f.slept, delay)
		return ctx.Err()
	}
	return New(Options{BaseURL: url, APIKey: "fp_live_secret", CallPolicy: policy})
}

func remove(client *APIClient) error {
	_, err := client.WorkflowsAPI.DeleteWorkflow(context.Background(), "wf_1").Execute()
	return err
}

func takeTicket(client *APIClient) error {
	request := *NewCreateStreamTicketRequest()
	_, _, err := client.LiveAPI.CreateStreamTicket(context.Background()).CreateStreamTicketRequest(request).Execute()
	return err
}

func cancel(client *APIClient) error {
	_, _, err := client.ExecutionsAPI.CancelExecution(context.Background(), execution).Execute()
	return err
}

func TestRetries(t *testing.T) {
	seconds := func(values ...float64) []time.Duration {
		delays := []time.Duration{}
		for _, value := range values {
			delays = append(delays, time.Duration(value*float64(time.Second)))
		}
		return delays
	}
	busy := failed(409, "request_in_progress", map[string]string{"Retry-After": "1"})
	for name, test := range map[string]struct {
		call    func(*APIClient) error
		policy  CallPolicy
		answers []told
		slept   []time.Duration
		fails   error
	}{
		"a delete is repeated with delays that double": {remove, CallPolicy{}, []told{unavailable, breaks, nothing}, seconds(0.5, 1), nil},
		"a delay has a most":                           {remove, CallPolicy{MaxDelay: time.Second, BaseDelay: 4 * time.Second}, []told{unavailable, nothing}, seconds(1), nil},
		"Retry-After is kept to":                       {remove, CallPolicy{}, []told{limited, nothing}, seconds(3), nil},
		"a Retry-After too long is not waited for":     {remove, CallPolicy{MaxRetryAfter: time.Second}, []told{limited}, nil, ErrRateLimit},
		"the last error is given":                      {remove, CallPolicy{MaxRetries: 1}, []told{unavailable, unavailable}, seconds(0.5), ErrServer},
		"none where none are wanted":                   {remove, CallPolicy{MaxRetries: -1}, []told{breaks}, nil, ErrConnection},
		"a write with a key is repeated":               {takeTicket, CallPolicy{}, []told{unavailable, breaks, {status: 200, body: ticket}}, seconds(0.5, 1), nil},
		"a twin at work is waited for":                 {takeTicket, CallPolicy{}, []told{busy, {status: 200, body: ticket}}, seconds(1), nil},
		"another conflict is not":                      {takeTicket, CallPolicy{}, []told{failed(409, "conflict", nil)}, nil, ErrConflict},
		"a write without a key is repeated after 429":  {cancel, CallPolicy{}, []told{limited, unavailable}, seconds(3), ErrServer},
		"and not after a broken connection":            {cancel, CallPolicy{}, []told{breaks}, nil, ErrConnection},
		"an answer that breaks off is asked for again": {takeTicket, CallPolicy{}, []told{{status: 200, body: "{", missing: 1}, {status: 200, body: ticket}}, seconds(0.5), nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, test.policy, test.answers...)
			if err := test.call(f.client); !errors.Is(err, test.fails) || (test.fails == nil) != (err == nil) {
				t.Errorf("got %v, want %v", err, test.fails)
			}
			if !slices.Equal(f.slept, test.slept) || len(f.requests()) != len(test.answers) {
				t.Errorf("slept %v and asked %d times, want %v and %d", f.slept, len(f.requests()), test.slept, len(test.answers))
			}
		})
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	date := time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)
	f := serve(t, CallPolicy{}, failed(503, "service_unavailable", map[string]string{"Retry-After": date}), nothing)
	if err := remove(f.client); err != nil || f.slept[0] <= 0 || f.slept[0] > 30*time.Second {
		t.Errorf("slept %v: %v", f.slept, err)
	}
}

func TestEachCallHasAKeyOfItsOwnThatAllItsAttemptsSend(t *testing.T) {
	f := serve(t, CallPolicy{}, unavailable, told{status: 200, body: ticket}, told{status: 200, body: ticket}, told{status: 200, body: ticket})
	if err := errors.Join(takeTicket(f.client), takeTicket(f.client)); err != nil {
		t.Fatal(err)
	}
	request := f.client.LiveAPI.CreateStreamTicket(context.Background()).CreateStreamTicketRequest(*NewCreateStreamTicketRequest())
	if _, _, err := request.IdempotencyKey("mine").Execute(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, asked := range f.requests() {
		keys = append(keys, asked.Header.Get("Idempotency-Key"))
	}
	if len(keys[0]) != 36 || keys[0] != keys[1] || keys[1] == keys[2] || keys[3] != "mine" {
		t.Errorf("got %v", keys)
	}
	if f.requests()[0].body == "" || f.requests()[0].body != f.requests()[1].body {
		t.Errorf("sent %q, then %q", f.requests()[0].body, f.requests()[1].body)
	}
}

func TestWhatNeverAnswersIsATimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	f := &fixture{}
	client := f.at("http://"+listener.Addr().String(), CallPolicy{Timeout: time.Millisecond, MaxRetries: 1})
	if err := remove(client); !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrConnection) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if len(f.slept) != 1 {
		t.Errorf("slept %v", f.slept)
	}
}

func TestACancelledContextEndsACall(t *testing.T) {
	f := serve(t, CallPolicy{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.client.WorkflowsAPI.DeleteWorkflow(ctx, "wf_1").Execute(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	other := serve(t, CallPolicy{}, nothing)
	to := other.client.GetConfig().Servers[0].URL
	f := serve(t, CallPolicy{}, told{status: 307, header: map[string]string{"Location": to}})
	var failure *APIError
	if err := remove(f.client); !errors.As(err, &failure) || failure.StatusCode != 307 || len(other.requests()) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestEachStatusHasItsKind(t *testing.T) {
	kinds := map[int]error{
		400: ErrValidation, 401: ErrAuthentication, 403: ErrPermission, 404: ErrNotFound, 409: ErrConflict,
		422: ErrUnprocessable, 429: ErrRateLimit, 500: ErrServer, 503: ErrServer,
	}
	for status, kind := range kinds {
		err := remove(serve(t, CallPolicy{MaxRetries: -1}, failed(status, "some_code", nil)).client)
		for _, other := range kinds {
			if errors.Is(err, other) != (other == kind) {
				t.Errorf("%d: errors.Is(%v) is %v", status, other, errors.Is(err, other))
			}
		}
	}
}

func TestAnErrorHasCodeRequestAndDetails(t *testing.T) {
	problem := `{"field":"name","message":"must be a string","location":"body"}`
	plain := `{"error":{"code":"validation_error","message":"It is wrong.","details":{"errors":[` + problem + `]}},` + meta + `}`
	problemDetails := `{"code":"validation_error","detail":"It is wrong.","details":{"errors":[` + problem + `]},` + meta + `}`
	for media, body := range map[string]string{"application/json; charset=utf-8": plain, "application/problem+json": problemDetails} {
		f := serve(t, CallPolicy{}, told{status: 400, body: body, header: map[string]string{"Content-Type": media}})
		var failure *APIError
		if err := remove(f.client); !errors.As(err, &failure) {
			t.Fatal(err)
		}
		if text := failure.Error(); text != "400 validation_error: It is wrong. (request "+requestID+")" {
			t.Errorf("%s: got %s", media, text)
		}
		if want := []Problem{{"name", "must be a string", "body"}}; !slices.Equal(failure.Problems, want) {
			t.Errorf("%s: got %v", media, failure.Problems)
		}
		if failure.Details["errors"] == nil || string(failure.Body) != body {
			t.Errorf("%s: got %v and %s", media, failure.Details, failure.Body)
		}
	}
}

func TestWhatIsNoAnswerOfTheContractIsAnErrorToo(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html", "X-Request-Id": "r1"}
	f := serve(t, CallPolicy{MaxRetries: -1}, told{status: 502, body: "<h1>", header: html})
	if err := remove(f.client); err.Error() != "502: Bad Gateway (request r1)" {
		t.Errorf("got %v", err)
	}
}

func TestA403NamesTheScopes(t *testing.T) {
	body := `{"error":{"code":"insufficient_scope","message":"No.","details":{"required_scopes":["a:b","c:d"],"missing_scopes":["c:d"]}},` + meta + `}`
	f := serve(t, CallPolicy{}, told{status: 403, body: body})
	var failure *APIError
	if err := remove(f.client); !errors.As(err, &failure) {
		t.Fatal(err)
	}
	if !slices.Equal(failure.RequiredScopes(), []string{"a:b", "c:d"}) || !slices.Equal(failure.MissingScopes(), []string{"c:d"}) {
		t.Errorf("got %v and %v", failure.RequiredScopes(), failure.MissingScopes())
	}
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
