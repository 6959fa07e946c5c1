// The scenario of `npm run test:sdks` in Go: what it does is the same in every language.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

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
	configuration := flowpact.NewConfiguration()
	configuration.Servers = flowpact.ServerConfigurations{{URL: url}}
	client := flowpact.NewAPIClient(configuration)

	credentials := *flowpact.NewLoginRequest(os.Getenv("FLOWPACT_EMAIL"), os.Getenv("FLOWPACT_PASSWORD"))
	session, _, err := client.AuthAPI.Login(context.Background()).LoginRequest(credentials).Execute()
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	ctx := context.WithValue(context.Background(), flowpact.ContextAccessToken, session.Data.AccessToken)

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

// A 404 and a 400, each as the type that the contract gives to it.
func mistakes(ctx context.Context, client *flowpact.APIClient, empty string) error {
	_, _, err := client.WorkflowsAPI.GetWorkflow(ctx, "wf_01kaq4e5n8e3s4t5v6w7x8y9z0").Execute()
	if missing, ok := model[flowpact.NotFoundError](err); !ok || missing.Error.Code != "resource_not_found" {
		return fmt.Errorf("expected a NotFoundError, got %w", err)
	}
	for _, err := range client.ExecutionsAPI.Follow(ctx, "exec_01kaq4j9qaf5h6j7k8m9n0p1q2", 0) {
		if missing, ok := model[flowpact.NotFoundError](err); !ok || missing.Error.Code != "resource_not_found" {
			return fmt.Errorf("expected a NotFoundError, got %w", err)
		}
	}
	_, _, err = client.WorkflowsAPI.PublishWorkflow(ctx, empty).Execute()
	if refused, ok := model[flowpact.ValidationError](err); !ok || len(refused.Error.Details.Errors) == 0 {
		return fmt.Errorf("expected a ValidationError, got %w", err)
	}
	return nil
}

func model[Model any](err error) (Model, bool) {
	var failure *flowpact.GenericOpenAPIError
	var none Model
	if !errors.As(err, &failure) {
		return none, false
	}
	value, ok := failure.Model().(Model)
	return value, ok
}
