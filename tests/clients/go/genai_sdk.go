// SPDX-License-Identifier: Apache-2.0

// What programs do with Google's Go SDK on Gemini's own routes; tests/flow/test_clients_others.py runs it once and reads the JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"google.golang.org/genai"
	"google.golang.org/genai/interactions/models/interactions"
	"google.golang.org/genai/interactions/models/operations"
)

const model = "gemini-2.5-flash"

var (
	ctx    = context.Background()
	prompt = genai.Text(os.Getenv("PROMPT"))
	client = clientOf(os.Getenv("TOKEN"))
)

func clientOf(token string) *genai.Client {
	made, err := genai.NewClient(ctx, &genai.ClientConfig{APIKey: token, Backend: genai.BackendGeminiAPI,
		HTTPOptions: genai.HTTPOptions{BaseURL: os.Getenv("GATEWAY")}})
	return must(made, err)
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%#v\n", err)
		panic(err)
	}
	return value
}

// The names of all, or the first error.
func namesOf[T any](all iter.Seq2[*T, error], name func(*T) string) []string {
	names := []string{}
	for one, err := range all {
		names = append(names, name(must(one, err)))
	}
	return names
}

func errorOf(by *genai.Client, model string, config *genai.GenerateContentConfig) any {
	var refused genai.APIError
	if _, err := by.Models.GenerateContent(ctx, model, genai.Text("hi"), config); errors.As(err, &refused) {
		return []any{refused.Code, refused.Status}
	}
	return nil
}

func generate() any {
	reply := must(client.Models.GenerateContent(ctx, model, prompt, nil))
	names := namesOf(client.Models.All(ctx), func(one *genai.Model) string { return one.Name })
	return []any{reply.Text(), reply.Candidates[0].FinishReason, reply.UsageMetadata.TotalTokenCount, names}
}

func stream() any {
	text, finish := "", genai.FinishReason("")
	for chunk, err := range client.Models.GenerateContentStream(ctx, model, prompt, nil) {
		chunk = must(chunk, err)
		text += chunk.Text()
		if len(chunk.Candidates) > 0 && chunk.Candidates[0].FinishReason != "" {
			finish = chunk.Candidates[0].FinishReason
		}
	}
	return []any{text, finish}
}

func broken() any {
	count := 0
	for _, err := range client.Models.GenerateContentStream(ctx, model, genai.Text(os.Getenv("BROKEN")), nil) {
		if err != nil {
			return []any{count > 0, true}
		}
		count++
	}
	return []any{count > 0, false}
}

func chat() any {
	talk := must(client.Chats.Create(ctx, model, nil, nil))
	first := must(talk.SendMessage(ctx, genai.Part{Text: "first"}))
	second := ""
	for chunk, err := range talk.SendMessageStream(ctx, genai.Part{Text: "second"}) {
		second += must(chunk, err).Text()
	}
	return []any{first.Text(), second, len(talk.History(false))}
}

func tools() any {
	weather := &genai.FunctionDeclaration{Name: "weather", Parameters: &genai.Schema{Type: genai.TypeObject,
		Properties: map[string]*genai.Schema{"place": {Type: genai.TypeString}}, Required: []string{"place"}}}
	config := &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{weather}}}}
	talk := must(client.Chats.Create(ctx, "gemini-3.5-flash", config, nil))
	calls := must(talk.SendMessage(ctx, genai.Part{Text: os.Getenv("CALLS")})).FunctionCalls()
	results := []genai.Part{}
	for _, call := range calls {
		results = append(results, genai.Part{FunctionResponse: &genai.FunctionResponse{ID: call.ID, Name: call.Name,
			Response: map[string]any{"output": "rain"}}})
	}
	said := must(talk.SendMessage(ctx, results...))
	return []any{len(calls), calls[0].Name, calls[0].Args["place"] != nil, said.Text() != ""}
}

func files() any {
	data := bytes.Repeat([]byte("0123456789"), 1_000_000)
	made := must(client.Files.Upload(ctx, bytes.NewReader(data), &genai.UploadFileConfig{MIMEType: "text/plain", DisplayName: "d"}))
	found := must(client.Files.Get(ctx, made.Name, nil))
	seen := must(client.Models.GenerateContent(ctx, model, []*genai.Content{genai.NewContentFromParts([]*genai.Part{
		genai.NewPartFromText("What is it?"), genai.NewPartFromURI(made.URI, made.MIMEType)}, genai.RoleUser)}, nil))
	names := namesOf(client.Files.All(ctx), func(one *genai.File) string { return one.Name })
	must(client.Files.Delete(ctx, made.Name, nil))
	_, gone := client.Files.Get(ctx, made.Name, nil)
	return []any{*made.SizeBytes, found.Name == made.Name, seen.Text() != "", names[0] == made.Name, gone != nil}
}

func objects() any {
	cache := must(client.Caches.Create(ctx, model, &genai.CreateCachedContentConfig{Contents: genai.Text("Long."), TTL: 600 * time.Second}))
	used := must(client.Models.GenerateContent(ctx, model, prompt, &genai.GenerateContentConfig{CachedContent: cache.Name}))
	updated := must(client.Caches.Update(ctx, cache.Name, &genai.UpdateCachedContentConfig{TTL: 900 * time.Second}))
	caches := namesOf(client.Caches.All(ctx), func(one *genai.CachedContent) string { return one.Name })
	must(client.Caches.Delete(ctx, cache.Name, nil))
	source := &genai.BatchJobSource{InlinedRequests: []*genai.InlinedRequest{{Contents: genai.Text("x")}}}
	batch := must(client.Batches.Create(ctx, model, source, nil))
	batches := namesOf(client.Batches.All(ctx), func(one *genai.BatchJob) string { return one.Name })
	state := must(client.Batches.Get(ctx, batch.Name, nil)).State
	must(client.Batches.Delete(ctx, batch.Name, nil))
	return []any{used.Text() != "", updated.Name == cache.Name, caches[0] == cache.Name, batches[0] == batch.Name, state}
}

func counts() any {
	vectors := must(client.Models.EmbedContent(ctx, "gemini-embedding-001", []*genai.Content{
		genai.NewContentFromText("a", genai.RoleUser), genai.NewContentFromText("b", genai.RoleUser)}, nil)).Embeddings
	counted := must(client.Models.CountTokens(ctx, model, prompt, nil))
	return []any{len(vectors), len(vectors[0].Values), counted.TotalTokens > 0}
}

func images() any {
	shown := must(client.Models.GenerateContent(ctx, "gemini-2.5-flash-image", genai.Text("a fox"), nil))
	parts := shown.Candidates[0].Content.Parts
	return []any{parts[len(parts)-1].InlineData.MIMEType, len(parts[len(parts)-1].InlineData.Data) > 100}
}

func interact() any {
	input := interactions.NewInteractionsInput("hi")
	body := interactions.CreateModelInteraction{Model: interactions.Model(model), Input: &input}
	create := func() *operations.CreateInteractionResponse {
		return must(client.Interactions.Create(ctx, operations.CreateInteractionRequest{Body: operations.NewCreateInteractionRequestBody(body)}))
	}
	first := create().Interaction
	found := must(client.Interactions.Get(ctx, operations.GetInteractionByIDRequest{ID: *first.ID})).Interaction
	body.PreviousInteractionID = first.ID
	body.Stream = genai.Ptr(true)
	events, count := create().InteractionSSEStreamEvent, 0
	for events.Next() {
		count++
	}
	must(client.Interactions.Delete(ctx, operations.DeleteInteractionRequest{ID: *first.ID}))
	return []any{first.Status, *found.ID == *first.ID, count, events.Err() == nil}
}

func raised() any {
	hot := float32(9)
	return []any{errorOf(clientOf("stranger"), model, nil), errorOf(client, "gemini-9-unheard-of", nil),
		errorOf(client, model, &genai.GenerateContentConfig{Temperature: &hot})}
}

func main() {
	found := map[string]any{"generate": generate(), "stream": stream(), "broken": broken(), "chat": chat(), "tools": tools(), "files": files(),
		"objects": objects(), "counts": counts(), "images": images(), "interact": interact(), "raised": raised()}
	json.NewEncoder(os.Stdout).Encode(found)
}
