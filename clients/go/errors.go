package flowpact

// Written by hand; where an answer has its code and details, the contract says.

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What can go wrong, for errors.Is: `if errors.Is(err, flowpact.ErrNotFound) { ... }`.
var (
	// ErrValidation is 400: the request does not fit the contract; Problems of the APIError lists every reason.
	ErrValidation = errors.New("the request does not fit the contract")
	// ErrAuthentication is 401: no credential, or one that is wrong, expired or revoked.
	ErrAuthentication = errors.New("not authenticated")
	// ErrPermission is 403: the credential lacks a scope; MissingScopes of the APIError names it.
	ErrPermission = errors.New("not allowed")
	// ErrNotFound is 404: it does not exist, or belongs to another organisation.
	ErrNotFound = errors.New("not found")
	// ErrConflict is 409: the state of the thing does not allow it now.
	ErrConflict = errors.New("conflict")
	// ErrUnprocessable is 422: understood and refused, such as an idempotency key used again with another body.
	ErrUnprocessable = errors.New("unprocessable")
	// ErrRateLimit is 429: over the limit of the key or the plan; RetryAfter of the APIError says for how long.
	ErrRateLimit = errors.New("too many requests")
	// ErrServer is 5xx.
	ErrServer = errors.New("the server failed")
	// ErrConnection is what no complete answer arrived for: refused, reset, name not found, broken off, too late.
	ErrConnection = errors.New("no answer from the server")
	// ErrTimeout is what no answer arrived for within the time allowed; it is also ErrConnection.
	ErrTimeout = fmt.Errorf("%w in time", ErrConnection)
	// ErrStream is what Follow ends with when it had to connect too often without bringing an event; also ErrConnection.
	ErrStream = fmt.Errorf("%w: the stream broke again and again without an event", ErrConnection)
)

// APIError is an error that the server answered with. errors.Is tells the kinds apart, errors.As gives the rest.
type APIError struct {
	StatusCode int
	// Code is stable, `resource_not_found`; empty where the answer had none.
	Code    string
	Message string
	// RequestID is what to quote when asking for help.
	RequestID string
	Details   map[string]any
	// Problems are the reasons of a 400.
	Problems []Problem
	// RetryAfter is how long to wait, 0 where the server did not say.
	RetryAfter time.Duration
	Header     http.Header
	Body       []byte
}

// Problem is one thing that is wrong with a request.
type Problem struct {
	// Field is the path of the field, as the server names it.
	Field   string `json:"field"`
	Message string `json:"message"`
	// Location is `body`, `query`, `path` or `headers`.
	Location string `json:"location"`
}

func (e *APIError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, e.Code)) + ": " + e.Message
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is makes errors.Is compare the kinds.
func (e *APIError) Is(target error) bool {
	switch e.StatusCode {
	case http.StatusBadRequest:
		return target == ErrValidation
	case http.StatusUnauthorized:
		return target == ErrAuthentication
	case http.StatusForbidden:
		return target == ErrPermission
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusUnprocessableEntity:
		return target == ErrUnprocessable
	case http.StatusTooManyRequests:
		return target == ErrRateLimit
	}
	return e.StatusCode >= 500 && target == ErrServer
}

// RequiredScopes are those that the operation of a 403 needs.
func (e *APIError) RequiredScopes() []string { return e.texts("required_scopes") }

// MissingScopes are those that the credential of a 403 lacks.
func (e *APIError) MissingScopes() []string { return e.texts("missing_scopes") }

func (e *APIError) texts(name string) []string {
	var texts []string
	values, _ := e.Details[name].([]any)
	for _, value := range values {
		if text, ok := value.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func errorOf(response *http.Response, body []byte) *APIError {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	pointers, known := errorPointers[media]
	if !known {
		pointers = errorPointers["application/json"]
	}
	var document any
	_ = json.Unmarshal(body, &document) // What is not JSON has no code.
	text := func(name string) string {
		value, _ := at(document, pointers[name]).(string)
		return value
	}
	after, _ := retryAfter(response.Header)
	failure := &APIError{
		StatusCode: response.StatusCode,
		Code:       text("code"),
		Message:    text("message"),
		RequestID:  response.Header.Get(requestIDHeader),
		RetryAfter: after,
		Header:     response.Header,
		Body:       body,
	}
	failure.Details, _ = at(document, pointers["details"]).(map[string]any)
	if problems, err := json.Marshal(at(document, pointers["problems"])); err == nil {
		_ = json.Unmarshal(problems, &failure.Problems) // What is no list of problems is left out.
	}
	if failure.Message == "" {
		failure.Message = http.StatusText(response.StatusCode)
	}
	if failure.RequestID == "" {
		failure.RequestID = text("requestId")
	}
	return failure
}

// RFC 6901; nil where nothing is.
func at(value any, pointer string) any {
	for _, token := range strings.Split(pointer, "/")[1:] {
		object, _ := value.(map[string]any)
		value = object[strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")]
	}
	return value
}

// `Retry-After`, which may be seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(header http.Header) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return max(0, time.Duration(seconds*float64(time.Second))), true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date)), true
	}
	return 0, false
}
