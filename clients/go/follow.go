package flowpact

// Written by hand: openapi-generator knows no event streams.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	followIdleTimeout   = 60 * time.Second
	followMaxReconnects = 5
	followMaxLine       = 16 << 20
)

// ErrStreamBroken is what Follow ends with when it had to connect too often without bringing an event.
var ErrStreamBroken = errors.New("the stream broke again and again without an event")

// Follow gives the events of an execution as they happen, those after the sequence `after` (0: from the beginning), to its
// end. A broken connection is taken up again after the last event seen, so that none is lost and none comes twice. Events
// of a type that this version does not know are left out. The loop ends after the first error: a *GenericOpenAPIError for
// what the server refuses, ErrStreamBroken, or that of the context.
func (a *ExecutionsAPIService) Follow(ctx context.Context, executionId string, after int64) iter.Seq2[ExecutionEvent, error] {
	return func(yield func(ExecutionEvent, error) bool) {
		follower := follower{api: a, executionId: executionId, seen: after, yield: yield}
		for !follower.done && follower.fruitless <= followMaxReconnects {
			if err := follower.connect(ctx); err != nil {
				yield(ExecutionEvent{}, err)
				return
			}
			follower.fruitless++
		}
		if !follower.done {
			yield(ExecutionEvent{}, fmt.Errorf("%w: %v", ErrStreamBroken, follower.cause))
		}
	}
}

type follower struct {
	api         *ExecutionsAPIService
	executionId string
	seen        int64
	greeted     bool
	fruitless   int
	done        bool
	cause       error
	yield       func(ExecutionEvent, error) bool
}

// One connection. Returns errors that connecting again does not help.
func (f *follower) connect(ctx context.Context) error {
	if err := wait(ctx, f.fruitless); err != nil {
		return err
	}
	connection, cancel := context.WithCancel(ctx)
	defer cancel()
	response, err := f.open(connection)
	if err == nil {
		defer response.Body.Close()
		err = f.read(response.Body, cancel)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refused *GenericOpenAPIError
	if errors.As(err, &refused) && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests {
		return err
	}
	f.cause = err
	return nil
}

func (f *follower) open(ctx context.Context) (*http.Response, error) {
	client := f.api.client
	base, err := client.cfg.ServerURLWithContext(ctx, "ExecutionsAPIService.StreamExecutionEvents")
	if err != nil {
		return nil, err
	}
	headers := map[string]string{"Accept": "text/event-stream, application/json"}
	if f.seen > 0 {
		headers["Last-Event-Id"] = strconv.FormatInt(f.seen, 10)
	}
	if keys, ok := ctx.Value(ContextAPIKeys).(map[string]APIKey); ok {
		if key, ok := keys["ApiKeyHeader"]; ok {
			headers["X-Api-Key"] = strings.TrimSpace(key.Prefix + " " + key.Key)
		}
	}
	path := base + "/v1/executions/" + url.PathEscape(f.executionId) + "/events"
	request, err := client.prepareRequest(ctx, path, http.MethodGet, nil, headers, url.Values{}, url.Values{}, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.callAPI(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return response, f.refusal(response)
	}
	return response, nil
}

// Hands events out until the connection or the execution ends. A connection that is silent for too long is cancelled.
func (f *follower) read(body io.Reader, cancel context.CancelFunc) error {
	idle := time.AfterFunc(followIdleTimeout, cancel)
	defer idle.Stop()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, followMaxLine)
	var id, name, data string
	for lines.Scan() {
		idle.Reset(followIdleTimeout)
		if lines.Text() == "" {
			if data != "" && !f.accept(id, name, data) {
				return nil
			}
			name, data = "", ""
			continue
		}
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data += value
		}
	}
	return lines.Err()
}

// Whether more can follow.
func (f *follower) accept(id, name, data string) bool {
	if name == "connected" {
		if f.greeted {
			return true
		}
		f.greeted = true
	} else if sequence, err := strconv.ParseInt(id, 10, 64); err == nil {
		f.seen = sequence
		f.fruitless = 0
	}
	if event, err := eventOf(name, []byte(data)); err == nil && !f.yield(event, nil) {
		f.done = true
	}
	switch name {
	case "execution:completed", "execution:failed", "execution:cancelled":
		f.done = true
	}
	return !f.done
}

// By its name: the generated type tries one variant after the other, and an open object fits several.
func eventOf(name string, data []byte) (event ExecutionEvent, err error) {
	switch name {
	case "connected":
		err = json.Unmarshal(data, &event.ConnectedEvent)
	case "execution:started":
		err = json.Unmarshal(data, &event.ExecutionStartedEvent)
	case "execution:progress":
		err = json.Unmarshal(data, &event.ExecutionProgressEvent)
	case "execution:waiting":
		err = json.Unmarshal(data, &event.ExecutionWaitingEvent)
	case "execution:completed":
		err = json.Unmarshal(data, &event.ExecutionCompletedEvent)
	case "execution:failed":
		err = json.Unmarshal(data, &event.ExecutionFailedEvent)
	case "execution:cancelled":
		err = json.Unmarshal(data, &event.ExecutionCancelledEvent)
	case "node:started":
		err = json.Unmarshal(data, &event.NodeStartedEvent)
	case "node:completed":
		err = json.Unmarshal(data, &event.NodeCompletedEvent)
	case "node:failed":
		err = json.Unmarshal(data, &event.NodeFailedEvent)
	default:
		err = fmt.Errorf("no event is called %s", name)
	}
	return event, err
}

func (f *follower) refusal(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	failure := &GenericOpenAPIError{body: body, error: response.Status}
	var model interface{}
	switch response.StatusCode {
	case http.StatusBadRequest:
		model, err = decoded[ValidationError](body)
	case http.StatusUnauthorized:
		model, err = decoded[AuthenticationError](body)
	case http.StatusForbidden:
		model, err = decoded[ScopeError](body)
	case http.StatusNotFound:
		model, err = decoded[NotFoundError](body)
	case http.StatusTooManyRequests:
		model, err = decoded[RateLimitError](body)
	case http.StatusServiceUnavailable:
		model, err = decoded[ServiceUnavailableError](body)
	default:
		model, err = decoded[InternalError](body)
	}
	if err == nil {
		failure.model = model
	}
	return failure
}

func decoded[Model any](body []byte) (Model, error) {
	var model Model
	err := json.Unmarshal(body, &model)
	return model, err
}

// From half a second, doubled each time up to eight, and spread by chance.
func wait(ctx context.Context, fruitless int) error {
	if fruitless == 0 {
		return ctx.Err()
	}
	delay := min(500*time.Millisecond<<(fruitless-1), 8*time.Second)
	timer := time.NewTimer(delay/2 + rand.N(delay/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
