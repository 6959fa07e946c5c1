// Package flowpact is the Go SDK of the Flowpact workflow-automation platform.
package flowpact

// Written by hand over what openapi-generator makes.

import "strings"

// Options say where the server is and who is calling.
type Options struct {
	// BaseURL is where the server is. Default `http://localhost:3000`.
	BaseURL string
	// APIKey is sent as `X-API-Key`.
	APIKey string
	// AccessToken is what AuthAPI.Login gives.
	AccessToken string
	// CallPolicy says how long calls may take and when they are made again.
	CallPolicy CallPolicy
}

// New gives a client with a service for each resource. Without a credential only public operations work, such as
// AuthAPI.Login. NewAPIClient does the same for a Configuration of one's own.
func New(options Options) *APIClient {
	configuration := NewConfiguration()
	configuration.UserAgent = "flowpact-go/0.1.0"
	configuration.CallPolicy = options.CallPolicy
	if options.BaseURL != "" {
		configuration.Servers = ServerConfigurations{{URL: strings.TrimRight(options.BaseURL, "/")}}
	}
	if options.APIKey != "" {
		configuration.AddDefaultHeader("X-API-Key", options.APIKey)
	}
	if options.AccessToken != "" {
		configuration.AddDefaultHeader("Authorization", "Bearer "+options.AccessToken)
	}
	return NewAPIClient(configuration)
}
