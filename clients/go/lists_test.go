package flowpact

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"
)

type fields = map[string]any

const moment = "2026-11-22T10:30:00.000Z"

func pagination(page, pages int, more fields) fields {
	found := fields{
		"page": page, "per_page": 1, "total_count": pages, "total_pages": pages, "has_next": page < pages, "has_prev": page > 1,
	}
	for name, value := range more {
		found[name] = value
	}
	return found
}

func page(item, pagination fields) told {
	body := fields{"data": []fields{item}, "pagination": pagination, "meta": fields{"request_id": requestID, "timestamp": moment}}
	return told{status: 200, body: encoded(body)}
}

func workflowPage(number, pages int) told {
	return page(fields{
		"id": "wf_01kaq4e5n8e3s4t5v6w7x8y9z0", "name": "Order " + strconv.Itoa(number), "description": "", "status": "published",
		"tags": []string{"orders"}, "group_id": nil, "node_count": 4, "revision": 2, "published_version": 1,
		"has_unpublished_changes": false, "created_at": moment, "updated_at": moment, "published_at": moment,
	}, pagination(number, pages, nil))
}

func logPage(cursor string, following any) told {
	return page(fields{
		"id": "log_01kaq4jascf5h6j7k8m9n0p1q5", "execution_id": execution, "level": "info", "message": "after " + cursor,
		"node_id": "note", "attempt": 1, "data": fields{}, "timestamp": moment,
	}, pagination(1, 3, fields{"next_cursor": following, "has_more": following != nil}))
}

func TestPagesAreTurnedByNumberAndFiltersStay(t *testing.T) {
	f := serveBy(t, CallPolicy{}, func(request *http.Request) told {
		number, _ := strconv.Atoi(request.URL.Query().Get("page"))
		return workflowPage(number, 3)
	})
	names := func(request ApiListWorkflowsRequest) []string {
		var found []string
		for workflow, err := range Items(request) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, workflow.Name)
		}
		return found
	}
	list := f.client.WorkflowsAPI.ListWorkflows(context.Background()).Tag("shop")
	if found := names(list); !slices.Equal(found, []string{"Order 1", "Order 2", "Order 3"}) {
		t.Errorf("got %v", found)
	}
	if found := names(list.Page(3)); !slices.Equal(found, []string{"Order 3"}) {
		t.Errorf("got %v", found)
	}
	for _, asked := range f.requests() {
		if asked.URL.Query().Get("tag") != "shop" {
			t.Errorf("asked %s", asked.URL)
		}
	}
}

func TestPagesAreFetchedAsTheyAreNeeded(t *testing.T) {
	f := serve(t, CallPolicy{}, workflowPage(1, 3))
	for range Items(f.client.WorkflowsAPI.ListWorkflows(context.Background())) {
		break
	}
	if len(f.requests()) != 1 {
		t.Errorf("asked %d times", len(f.requests()))
	}
}

func TestACursorIsFollowedWhereThereIsOne(t *testing.T) {
	following := map[string]any{"": "b", "b": "c", "c": nil}
	f := serveBy(t, CallPolicy{}, func(request *http.Request) told {
		cursor := request.URL.Query().Get("cursor")
		return logPage(cursor, following[cursor])
	})
	var found []string
	for line, err := range ItemsByCursor(f.client.ExecutionsAPI.ListExecutionLogs(context.Background(), execution)) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, line.Message)
	}
	if !slices.Equal(found, []string{"after ", "after b", "after c"}) {
		t.Errorf("got %v", found)
	}
}

func TestAnErrorEndsAList(t *testing.T) {
	f := serve(t, CallPolicy{}, workflowPage(1, 3), failed(401, "expired_api_key", nil))
	var got []error
	for _, err := range Items(f.client.WorkflowsAPI.ListWorkflows(context.Background())) {
		got = append(got, err)
	}
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], ErrAuthentication) {
		t.Errorf("got %v", got)
	}
}

func event(kind string, sequence int, data fields) string {
	message := fields{
		"id": "evt_01kaq4jatdf5h6j7k8m9n0p1q6", "type": kind, "sequence": sequence, "execution_id": execution, "timestamp": moment,
		"data": data,
	}
	return "id: " + strconv.Itoa(sequence) + "\nevent: " + kind + "\ndata: " + encoded(message) + "\n\n"
}

func streamOf(events string) told {
	return told{status: 200, body: events, header: map[string]string{"Content-Type": "text/event-stream"}}
}

func follow(f *fixture) (events []ExecutionEvent, err error) {
	for event, err := range f.client.ExecutionsAPI.Follow(context.Background(), execution, 0) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

func TestABrokenStreamIsTakenUpAfterTheLastEvent(t *testing.T) {
	paused := event("execution:paused", 1, fields{"status": "paused"})
	strange := event("moon:landed", 2, fields{})
	done := event("execution:completed", 3, fields{"status": "completed", "output": nil, "duration_ms": 23})
	f := serve(t, CallPolicy{}, streamOf(paused+strange), unavailable, streamOf(done))
	events, err := follow(f)
	if err != nil || len(events) != 2 || events[0].ExecutionPausedEvent == nil || events[1].ExecutionCompletedEvent == nil {
		t.Fatalf("got %v: %v", events, err)
	}
	var after []string
	for _, asked := range f.requests() {
		after = append(after, asked.Header.Get("Last-Event-ID"))
	}
	if !slices.Equal(after, []string{"", "2", "2"}) {
		t.Errorf("went on after %v", after)
	}
}

func TestFollowingEndsWhenConnectionsBringNothing(t *testing.T) {
	f := serveBy(t, CallPolicy{}, func(*http.Request) told { return streamOf("") })
	if _, err := follow(f); !errors.Is(err, ErrStream) || len(f.requests()) != 6 {
		t.Errorf("got %v after %d connections", err, len(f.requests()))
	}
}

func TestWhatFollowingIsRefusedIsATypedError(t *testing.T) {
	f := serve(t, CallPolicy{}, failed(404, "resource_not_found", nil))
	var failure *APIError
	if _, err := follow(f); !errors.Is(err, ErrNotFound) || !errors.As(err, &failure) || failure.Code != "resource_not_found" {
		t.Errorf("got %v", err)
	}
}
