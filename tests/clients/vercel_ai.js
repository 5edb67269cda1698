// SPDX-License-Identifier: Apache-2.0
// What programs do with Vercel's AI SDK, by its providers for OpenAI, for what speaks like OpenAI, and for Google; tests/flow/
// test_clients_others.py runs it once and reads the JSON.
const ai = require('ai');
const { createOpenAI } = require('@ai-sdk/openai');
const { createOpenAICompatible } = require('@ai-sdk/openai-compatible');
const { createGoogleGenerativeAI } = require('@ai-sdk/google');
const { z } = require('zod');

const { GATEWAY, TOKEN, NUMBERED, CALLS } = process.env;
const MODEL = 'gemini-3.5-flash';
const EMBEDS = 'gemini-embedding-001';
const openai = createOpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: TOKEN });
const google = createGoogleGenerativeAI({ baseURL: `${GATEWAY}/v1beta`, apiKey: TOKEN });
const like = { name: 'gateway', baseURL: `${GATEWAY}/v1`, apiKey: TOKEN, includeUsage: true, supportsStructuredOutputs: true };
const compatible = createOpenAICompatible(like);
const chats = { openai: openai.chat(MODEL), compatible: compatible(MODEL), google: google(MODEL) };
const embedders = {
    openai: openai.embedding(EMBEDS),
    compatible: compatible.textEmbeddingModel(EMBEDS),
    google: google.textEmbeddingModel(EMBEDS),
};

async function said(model) {
    const whole = await ai.generateText({ model, system: 'Be brief.', prompt: 'hello' });
    return [whole.text, whole.finishReason, whole.usage.totalTokens > 0];
}

async function streamed(model) {
    const stream = ai.streamText({ model, prompt: NUMBERED });
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    return [text, await stream.finishReason, (await stream.usage).totalTokens > 0];
}

// Two calls at once, their results, and what is said of them.
async function called(model) {
    const places = [];
    const weather = ai.tool({
        description: 'the weather of a place',
        inputSchema: z.object({ place: z.string(), days: z.number().int().optional() }),
        execute: async ({ place }) => {
            places.push(place);
            return { rain: true };
        },
    });
    const done = await ai.generateText({ model, prompt: CALLS, tools: { weather }, stopWhen: ai.stepCountIs(3) });
    return [done.steps.length, places.length, done.text.includes('rain')];
}

async function shaped(model) {
    const schema = z.object({ name: z.string(), sizes: z.array(z.number()), kind: z.enum(['a', 'b']).nullable() });
    return (await ai.generateObject({ model, schema, prompt: 'x' })).object;
}

async function embedded(model) {
    const { embeddings } = await ai.embedMany({ model, values: ['a', 'b'] });
    return [embeddings.length, embeddings[0].length];
}

async function media() {
    const { images } = await ai.experimental_generateImage({ model: openai.image('gpt-image-1'), prompt: 'a fox', n: 2 });
    const { audio } = await ai.experimental_generateSpeech({ model: openai.speech('tts-1'), text: 'hi', voice: 'alloy' });
    const heard = await ai.experimental_transcribe({ model: openai.transcription('whisper-1'), audio: audio.uint8Array });
    return [images.map(image => image.mediaType), audio.mediaType, heard.text.length > 0];
}

async function raised(model) {
    try {
        await ai.generateText({ model, prompt: 'x', maxRetries: 0 });
    } catch (error) {
        return [error.name, error.statusCode, error.isRetryable];
    }
    return null;
}

(async () => {
    globalThis.AI_SDK_LOG_WARNINGS = false;
    const found = { media: await media(), raised: [await raised(openai.chat('gemini-none')), await raised(google('gemini-none'))] };
    for (const [name, model] of Object.entries(chats))
        found[name] = {
            said: await said(model),
            streamed: await streamed(model),
            called: await called(model),
            shaped: await shaped(model),
            embedded: await embedded(embedders[name]),
        };
    console.log(JSON.stringify(found));
})();
