// The scenario of `npm run test:sdks` in Go: what it does is the same in every language.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/flowpact/flowpact-go"
)

var url, tag = os.Getenv("FLOWPACT_URL"), os.Getenv("FLOWPACT_TAG")

func main() {
	if err := scenario(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func scenario() error {
	ctx := context.Background()
	credentials := *flowpact.NewLoginRequest(os.Getenv("FLOWPACT_EMAIL"), os.Getenv("FLOWPACT_PASSWORD"))
	session, _, err := flowpact.New(flowpact.Options{BaseURL: url}).AuthAPI.Login(ctx).LoginRequest(credentials).Execute()
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	client := flowpact.New(flowpact.Options{BaseURL: url, AccessToken: session.Data.AccessToken})

	workflow, err := create(ctx, client, "SDK scenario", definition())
	if err != nil {
		return err
	}
	version, _, err := client.WorkflowsAPI.PublishWorkflow(ctx, workflow).Execute()
	if err != nil || version.Data.Version != 1 {
		return fmt.Errorf("publish: %v %w", version, err)
	}
	if err := execute(ctx, client, workflow); err != nil {
		return err
	}

	second, err := create(ctx, client, "Second", nil)
	if err != nil {
		return err
	}
	third, err := create(ctx, client, "Third", nil)
	if err != nil {
		return err
	}
	listed, err := list(ctx, client)
	if err != nil {
		return err
	}
	if len(listed) != 3 || !slices.Contains(listed, second) || !slices.Contains(listed, third) {
		return fmt.Errorf("expected three workflows on three pages, got %v", listed)
	}
	if err := mistakes(ctx, client, second); err != nil {
		return err
	}
	if err := receive(ctx, client); err != nil {
		return err
	}
	for _, id := range listed {
		if _, err := client.WorkflowsAPI.DeleteWorkflow(ctx, id).Execute(); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}

func definition() *flowpact.WorkflowDefinition {
	total := map[string]interface{}{"values": map[string]interface{}{"total": "{{ input.amount }}"}}
	body := map[string]interface{}{"total": "{{ steps.total.output.total }}", "approved": true}
	return flowpact.NewWorkflowDefinition(
		[]flowpact.WorkflowNode{
			*flowpact.NewWorkflowNode("total", "set", total),
			*flowpact.NewWorkflowNode("answer", "respond", map[string]interface{}{"body": body}),
		},
		[]flowpact.WorkflowEdge{*flowpact.NewWorkflowEdge("e1", "total", "answer", "default")},
	)
}

func create(ctx context.Context, client *flowpact.APIClient, name string, definition *flowpact.WorkflowDefinition) (string, error) {
	request := *flowpact.NewCreateWorkflowRequest(name)
	request.Tags = []string{tag}
	request.Definition = definition
	created, _, err := client.WorkflowsAPI.CreateWorkflow(ctx).CreateWorkflowRequest(request).Execute()
	if err != nil {
		return "", fmt.Errorf("create: %w", err)
	}
	return created.Data.Id, nil
}

func execute(ctx context.Context, client *flowpact.APIClient, workflow string) error {
	request := flowpact.ExecuteWorkflowRequest{Input: map[string]interface{}{"amount": 12.5}}
	started, _, err := client.WorkflowsAPI.ExecuteWorkflow(ctx, workflow).ExecuteWorkflowRequest(request).Execute()
	if err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	var events []flowpact.ExecutionEvent
	for event, err := range client.ExecutionsAPI.Follow(ctx, started.Data.Id, 0) {
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		events = append(events, event)
	}
	last := events[len(events)-1].ExecutionCompletedEvent
	if len(events) < 5 || events[0].ConnectedEvent == nil || events[1].ExecutionStartedEvent == nil || last == nil {
		return fmt.Errorf("expected the events of a whole execution, got %d", len(events))
	}
	for event, err := range client.ExecutionsAPI.Follow(ctx, started.Data.Id, int64(last.Sequence)-1) {
		if err != nil || (event.ConnectedEvent == nil && event.ExecutionCompletedEvent == nil) {
			return fmt.Errorf("expected the last event only, got %v %w", event, err)
		}
	}
	for run, err := range flowpact.ItemsByCursor(client.ExecutionsAPI.ListExecutions(ctx).WorkflowId(workflow).PerPage(1)) {
		if err != nil || run.Id != started.Data.Id {
			return fmt.Errorf("expected the one execution, got %s %w", run.Id, err)
		}
	}
	answer, _, err := client.ExecutionsAPI.GetExecution(ctx, started.Data.Id).Execute()
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	execution := answer.Data
	output, err := json.Marshal(execution.Output)
	if err != nil || execution.Status != flowpact.EXECUTIONSTATUS_COMPLETED || !strings.Contains(string(output), "12.5") {
		return fmt.Errorf("expected a completed execution with the total, got %s %s %w", execution.Status, output, err)
	}
	return nil
}

func list(ctx context.Context, client *flowpact.APIClient) ([]string, error) {
	var ids []string
	for workflow, err := range flowpact.Items(client.WorkflowsAPI.ListWorkflows(ctx).Tag(tag).PerPage(1)) {
		if err != nil {
			return nil, fmt.Errorf("list: %w", err)
		}
		ids = append(ids, workflow.Id)
	}
	return ids, nil
}

// A 404 and a 400, told apart by their kinds, with what the server says about them.
func mistakes(ctx context.Context, client *flowpact.APIClient, empty string) error {
	var failure *flowpact.APIError
	_, _, err := client.WorkflowsAPI.GetWorkflow(ctx, "wf_01kaq4e5n8e3s4t5v6w7x8y9z0").Execute()
	if !errors.Is(err, flowpact.ErrNotFound) || !errors.As(err, &failure) || failure.Code != "resource_not_found" {
		return fmt.Errorf("expected ErrNotFound, got %w", err)
	}
	if failure.RequestID == "" || failure.Details["resource"] != "workflow" {
		return fmt.Errorf("expected a request id and details, got %v of %w", failure.Details, err)
	}
	for _, err := range client.ExecutionsAPI.Follow(ctx, "exec_01kaq4j9qaf5h6j7k8m9n0p1q2", 0) {
		if !errors.Is(err, flowpact.ErrNotFound) {
			return fmt.Errorf("expected ErrNotFound, got %w", err)
		}
	}
	_, _, err = client.WorkflowsAPI.PublishWorkflow(ctx, empty).Execute()
	if !errors.Is(err, flowpact.ErrValidation) || !errors.As(err, &failure) || len(failure.Problems) == 0 {
		return fmt.Errorf("expected ErrValidation, got %w", err)
	}
	return nil
}

type message struct {
	payload []byte
	header  http.Header
}

// A message to a webhook is verified with its secret, and after a rotation with either.
func receive(ctx context.Context, client *flowpact.APIClient) error {
	messages := make(chan message, 2)
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		payload, _ := io.ReadAll(request.Body)
		messages <- message{payload, request.Header}
		writer.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	request := *flowpact.NewCreateWebhookRequest(tag, server.URL, []flowpact.EventType{flowpact.EVENTTYPE_FORM_SUBMITTED})
	created, _, err := client.WebhooksAPI.CreateWebhook(ctx).CreateWebhookRequest(request).Execute()
	if err != nil {
		return fmt.Errorf("create webhook: %w", err)
	}
	webhook, old := created.Data.Webhook.Id, created.Data.Secret
	first, err := tested(ctx, client, webhook, messages)
	if err != nil {
		return err
	}
	event, err := flowpact.VerifyWebhook(first.payload, first.header, old)
	if err != nil || event.WebhookTestWebhook == nil || event.WebhookTestWebhook.Data.WebhookId != webhook {
		return fmt.Errorf("verify: %v %w", event, err)
	}
	rotation := *flowpact.NewRotateWebhookSecretRequest()
	rotated, _, err := client.WebhooksAPI.RotateWebhookSecret(ctx, webhook).RotateWebhookSecretRequest(rotation).Execute()
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	second, err := tested(ctx, client, webhook, messages)
	if err != nil {
		return err
	}
	for _, secret := range []string{old, rotated.Data.Secret} {
		if _, err := flowpact.VerifyWebhook(second.payload, second.header, secret); err != nil {
			return fmt.Errorf("verify during a rotation: %w", err)
		}
	}
	if _, err := flowpact.VerifyWebhook(append(second.payload, ' '), second.header, old); !errors.Is(err, flowpact.ErrWebhook) {
		return fmt.Errorf("expected ErrWebhook for a message that was changed, got %w", err)
	}
	_, err = client.WebhooksAPI.DeleteWebhook(ctx, webhook).Execute()
	return err
}

func tested(ctx context.Context, client *flowpact.APIClient, webhook string, messages <-chan message) (message, error) {
	request := *flowpact.NewTestWebhookRequest()
	if _, _, err := client.WebhooksAPI.TestWebhook(ctx, webhook).TestWebhookRequest(request).Execute(); err != nil {
		return message{}, fmt.Errorf("test webhook: %w", err)
	}
	select {
	case received := <-messages:
		return received, nil
	case <-time.After(30 * time.Second):
		return message{}, errors.New("no message came to the webhook")
	}
}
