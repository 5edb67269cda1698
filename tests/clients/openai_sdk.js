// SPDX-License-Identifier: Apache-2.0
// What programs do with OpenAI's Node SDK; tests/flow/test_clients_node.py names the task and reads the JSON.
const OpenAI = require('openai');
const { zodFunction, zodResponseFormat } = require('openai/helpers/zod');
const { z } = require('zod');

const { GATEWAY, TOKEN, MODEL, PATIENCE, SIMULATOR, PROMPT = 'Hello, world!', PREFIX = '/v1' } = process.env;
const settings = { apiKey: TOKEN, baseURL: GATEWAY + PREFIX, maxRetries: 0, timeout: PATIENCE * 1000 };
const client = new OpenAI(settings);
const question = { model: MODEL, messages: [{ role: 'user', content: PROMPT }] };

async function nameOf(call) {
    try {
        await call();
    } catch (error) {
        return [error.constructor.name, error instanceof OpenAI.APIError, error.status ?? null, error.code ?? null];
    }
    return null;
}

const tasks = {
    async chat() {
        const reply = await client.chat.completions.create(question);
        const models = [];
        for await (const model of client.models.list()) models.push(model.id);
        return [reply.choices[0].message.content, reply.choices[0].finish_reason, reply.usage.total_tokens, models];
    },

    async stream() {
        let text = '';
        let usage = null;
        let finish = null;
        const more = { stream: true, stream_options: { include_usage: true } };
        for await (const chunk of await client.chat.completions.create({ ...question, ...more })) {
            usage = chunk.usage ?? usage;
            for (const choice of chunk.choices) {
                text += choice.delta.content ?? '';
                finish = choice.finish_reason ?? finish;
            }
        }
        return [text, usage, finish];
    },

    async errors() {
        const chat = (more, by = client) => nameOf(() => by.chat.completions.create({ ...question, ...more }));
        return [
            await chat({}, new OpenAI({ ...settings, apiKey: 'stranger' })),
            await chat({ model: 'no/such model' }),
            await chat({ messages: [] }),
            await chat({ n: 0 }),
            await nameOf(() => client.moderations.create({ input: 'x' })),
        ];
    },

    async models() {
        const one = await client.models.retrieve('gemini-2.5-flash');
        return [one.id, one.object, await nameOf(() => client.models.retrieve('gemini-none'))];
    },

    // A dialogue with the SDK's own helpers: calls with parsed arguments, their results, an answer of a shape, and a runner.
    async tools() {
        const parameters = z.object({ place: z.object({ kind: z.enum(['city', 'lake']), name: z.string() }), days: z.number().int().nullable() });
        const tools = [zodFunction({ name: 'weather', parameters })];
        const messages = [...question.messages];
        const { message } = (await client.chat.completions.parse({ model: MODEL, messages, tools })).choices[0];
        messages.push(message, ...message.tool_calls.map(call => ({ role: 'tool', tool_call_id: call.id, content: 'rain' })));
        const said = await client.chat.completions.create({ model: MODEL, messages, tools });
        const shape = zodResponseFormat(parameters, 'shape');
        const answer = await client.chat.completions.parse({ model: MODEL, messages: [{ role: 'user', content: 'x' }], response_format: shape });
        const streamed = await client.chat.completions.stream({ ...question, tools }).finalChatCompletion();
        const ran = [];
        const tool = zodFunction({ name: 'weather', parameters, function: ({ place }) => (ran.push(place.kind), 'sunshine') });
        const last = await client.chat.completions.runTools({ ...question, tools: [tool] }).finalContent();
        const kinds = calls => calls.map(call => call.function.parsed_arguments.place.kind);
        return [kinds(message.tool_calls), said.choices[0].message.content, answer.choices[0].message.parsed.place.kind,
            kinds(streamed.choices[0].message.tool_calls), ran, last];
    },

    async embeddings() {
        const one = await client.embeddings.create({ model: 'gemini-embedding-001', input: 'x', dimensions: 256 });
        const many = await client.embeddings.create({ model: 'gemini-embedding-001', input: Array.from({ length: 101 }, (_, i) => `${i}`) });
        return [one.data[0].embedding, one.usage.prompt_tokens, many.data.map(item => item.index), many.data[100].embedding.length];
    },

    async brokenStream() {
        let count = 0;
        const name = await nameOf(async () => {
            for await (const chunk of await client.chat.completions.create({ ...question, stream: true }))
                count += chunk.choices[0]?.delta.content ? 1 : 0;
        });
        return [count, name];
    },

    // Breaks off and lives on until nothing is open upstream, so that it is not its own end that cancels.
    async abort() {
        let count = 0;
        const stream = await client.chat.completions.create({ ...question, stream: true });
        for await (const chunk of stream) {
            count += chunk.choices[0]?.delta.content ? 1 : 0;
            if (count === 3) stream.controller.abort();
        }
        const until = Date.now() + PATIENCE * 1000;
        let open = null;
        do {
            open = (await (await fetch(`${SIMULATOR}/admin/counts`)).json()).open;
            await new Promise(resolve => setTimeout(resolve, 20));
        } while (open && Date.now() < until);
        return [count, open];
    },
};

tasks[process.argv[2]]().then(found => console.log(JSON.stringify(found)));
