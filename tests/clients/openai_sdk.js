// SPDX-License-Identifier: Apache-2.0
// What programs do with OpenAI's Node SDK; tests/flow/test_clients_node.py names the task and reads the JSON.
const OpenAI = require('openai');

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
