package flowpact

// Written by hand: every call of the generated code goes through here.

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// CallPolicy says how long a call may take and when it is made again; zero values mean the defaults.
type CallPolicy struct {
	// Timeout is for each attempt, body included; for an event stream until it begins. Default a minute.
	Timeout time.Duration
	// MaxRetries are the attempts after the first. Default 2; less than 0 means none.
	MaxRetries int
	// BaseDelay comes before the first retry and doubles with each further one. Default half a second.
	BaseDelay time.Duration
	// MaxDelay is the most that a computed delay may be. Default 8 seconds.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest `Retry-After` that is waited for. Default a minute.
	MaxRetryAfter time.Duration

	sleep  func(context.Context, time.Duration) error
	random func() float64
}

func (p CallPolicy) withDefaults() CallPolicy {
	or := func(value *time.Duration, standard time.Duration) {
		if *value <= 0 {
			*value = standard
		}
	}
	or(&p.Timeout, time.Minute)
	or(&p.BaseDelay, 500*time.Millisecond)
	or(&p.MaxDelay, 8*time.Second)
	or(&p.MaxRetryAfter, time.Minute)
	if p.MaxRetries == 0 {
		p.MaxRetries = 2
	}
	if p.sleep == nil {
		p.sleep = sleep
	}
	if p.random == nil {
		p.random = mathrand.Float64
	}
	return p
}

// Before the attempt after `attempt` (0 is the first). Spread over the upper half, so that clients that failed together do
// not return together.
func (p CallPolicy) delay(attempt int) time.Duration {
	exponential := min(float64(p.MaxDelay), float64(p.BaseDelay)*math.Exp2(float64(attempt)))
	return time.Duration(exponential * (0.5 + p.random()/2))
}

// Sends a request until it is answered well or repeating it would do harm. What is not 2xx is an *APIError.
func (c *APIClient) send(request *http.Request) (*http.Response, error) {
	policy := c.cfg.CallPolicy.withDefaults()
	for attempt := 0; ; attempt++ {
		if attempt > 0 && request.GetBody != nil {
			body, err := request.GetBody()
			if err != nil {
				return nil, err
			}
			request.Body = body
		}
		response, err := c.attempt(request, policy.Timeout)
		if err == nil {
			return response, nil
		}
		delay, again := policy.delayAfter(err, attempt, request)
		if !again {
			return response, err
		}
		if err := policy.sleep(request.Context(), delay); err != nil {
			return nil, err
		}
	}
}

func (p CallPolicy) delayAfter(err error, attempt int, request *http.Request) (time.Duration, bool) {
	hasKey := request.Header.Get(idempotencyHeader) != ""
	repeatable := hasKey || isSafe(request.Method)
	if attempt >= p.MaxRetries || request.Context().Err() != nil {
		return 0, false
	}
	var failure *APIError
	if !errors.As(err, &failure) {
		return p.delay(attempt), repeatable
	}
	asked, said := retryAfter(failure.Header)
	switch status := failure.StatusCode; {
	case status == http.StatusTooManyRequests: // Never ran.
	case status == http.StatusConflict && hasKey && said: // An earlier attempt with the same key is still at work.
	case repeatable && (status == http.StatusRequestTimeout || status >= 500):
	default:
		return 0, false
	}
	if said {
		return asked, asked <= p.MaxRetryAfter
	}
	return p.delay(attempt), true
}

// Whether sending it twice has the effect of sending it once (RFC 9110 section 9.2.2).
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func (c *APIClient) attempt(request *http.Request, timeout time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(timeout, func() { cancel(ErrTimeout) })
	client := *c.cfg.HTTPClient
	if client.CheckRedirect == nil {
		// A redirect would carry the key to another host.
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		defer cancel(nil)
		timer.Stop()
		return nil, connectionError(request, ctx, err)
	}
	if response.StatusCode < 300 && strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		timer.Stop()
		response.Body = stream{response.Body, func() { cancel(nil) }}
		return response, nil
	}
	defer cancel(nil)
	defer timer.Stop()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case err != nil:
		return response, connectionError(request, ctx, err)
	case response.StatusCode >= 300:
		return response, errorOf(response, body)
	}
	return response, nil
}

// A body that outlives the attempt, and frees what belongs to it when it is closed.
type stream struct {
	io.ReadCloser
	release func()
}

func (s stream) Close() error {
	defer s.release()
	return s.ReadCloser.Close()
}

// The caller's own cancellation stays what it is.
func connectionError(request *http.Request, ctx context.Context, err error) error {
	if cause := request.Context().Err(); cause != nil {
		return cause
	}
	var netError net.Error
	if errors.Is(context.Cause(ctx), ErrTimeout) || (errors.As(err, &netError) && netError.Timeout()) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", ErrConnection, err)
}

func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A UUID of version 4 (RFC 9562 section 5.4).
func newIdempotencyKey() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // Does not fail.
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:])
}
