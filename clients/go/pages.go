package flowpact

// Written by hand: openapi-generator knows no pages.

import (
	"iter"
	"net/http"
)

// PageAnswer is an answer of a list that has pages.
type PageAnswer[Item any] interface {
	GetData() []Item
	GetPagination() PagePagination
}

// CursorAnswer is an answer of a list that has a cursor.
type CursorAnswer[Item any] interface {
	GetData() []Item
	GetPagination() CursorPagination
}

// PageRequest is a request for a list that has pages, with its filters.
type PageRequest[Request, Answer any] interface {
	Page(page int32) Request
	Execute() (Answer, *http.Response, error)
}

// CursorRequest is a request for a list that has a cursor, with its filters.
type CursorRequest[Request, Answer any] interface {
	Cursor(cursor string) Request
	Execute() (Answer, *http.Response, error)
}

// Items gives every item of a list and fetches pages as they are needed. The loop ends after the first error.
//
//	for workflow, err := range flowpact.Items(client.WorkflowsAPI.ListWorkflows(ctx).Tag("shop")) { ... }
func Items[Request PageRequest[Request, Answer], Answer PageAnswer[Item], Item any](request Request) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			answer, _, err := request.Execute()
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range answer.GetData() {
				if !yield(item, nil) {
					return
				}
			}
			pagination := answer.GetPagination()
			if !pagination.HasNext {
				return
			}
			request = request.Page(int32(pagination.Page) + 1)
		}
	}
}

// ItemsByCursor is Items for the lists that grow without bound: nothing is lost or doubled while items are added.
//
//	for run, err := range flowpact.ItemsByCursor(client.ExecutionsAPI.ListExecutions(ctx)) { ... }
func ItemsByCursor[Request CursorRequest[Request, Answer], Answer CursorAnswer[Item], Item any](request Request) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			answer, _, err := request.Execute()
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range answer.GetData() {
				if !yield(item, nil) {
					return
				}
			}
			pagination := answer.GetPagination()
			next := pagination.NextCursor.Get()
			if next == nil {
				return
			}
			request = request.Cursor(*next)
		}
	}
}
