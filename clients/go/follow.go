package flowpact

// Written by hand: openapi-generator knows no event streams.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	followIdleTimeout   = 60 * time.Second
	followMaxReconnects = 5
	followMaxLine       = 16 << 20
)

// Follow gives the events of an execution as they happen, those after the sequence `after` (0: from the beginning), to its
// end. A broken connection is taken up again after the last event seen, so that none is lost and none comes twice. Events
// of a type that this version does not know are left out. The loop ends after the first error: an *APIError for what
// the server refuses, ErrStream, or that of the context.
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
			yield(ExecutionEvent{}, errors.Join(ErrStream, follower.cause))
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
	policy := f.api.client.cfg.CallPolicy.withDefaults()
	if f.fruitless > 0 {
		if err := policy.sleep(ctx, policy.delay(f.fruitless-1)); err != nil {
			return err
		}
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
	var refused *APIError
	if errors.As(err, &refused) && !errors.Is(err, ErrServer) && !errors.Is(err, ErrRateLimit) {
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
	return client.callAPI(request)
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
	var event ExecutionEvent
	known := json.Unmarshal([]byte(data), &event) == nil && event.GetActualInstance() != nil
	if known && !f.yield(event, nil) {
		f.done = true
	}
	if slices.Contains(lastEvents["streamExecutionEvents"], name) {
		f.done = true
	}
	return !f.done
}
