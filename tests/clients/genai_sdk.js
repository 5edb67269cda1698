// SPDX-License-Identifier: Apache-2.0
// What programs do with Google's Node SDK on Gemini's own routes; tests/flow/test_clients_google.py names the task.
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const { GoogleGenAI } = require('@google/genai');

const { GATEWAY, TOKEN, PROMPT = 'Hello, world!' } = process.env;
const model = 'gemini-2.5-flash';
const clientOf = apiKey => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: GATEWAY } });
const client = clientOf(TOKEN);

async function nameOf(call) {
    try {
        await call();
    } catch (error) {
        return [error.constructor.name, error.status];
    }
    return null;
}

const tasks = {
    // From memory and from a file, of several of the SDK's chunks.
    async upload() {
        const found = [];
        for (const size of [1000, 20000000]) {
            const data = Buffer.alloc(size, 'abcdefg');
            const path = `${os.tmpdir()}/upload-${process.pid}.txt`;
            fs.writeFileSync(path, data);
            for (const file of [new Blob([data], { type: 'text/plain' }), path]) {
                const made = await client.files.upload({ file, config: { mimeType: 'text/plain', displayName: 'd' } });
                const hash = crypto.createHash('sha256').update(data).digest('hex');
                found.push([made.sizeBytes === String(size), made.displayName, made.mimeType, made.state,
                    Buffer.from(made.sha256Hash, 'base64').toString() === hash]);
            }
            fs.unlinkSync(path);
        }
        return found;
    },

    async generate() {
        const reply = await client.models.generateContent({ model, contents: PROMPT });
        const names = [];
        for await (const one of await client.models.list()) names.push(one.name);
        return [reply.text, reply.candidates[0].finishReason, reply.usageMetadata.totalTokenCount, names];
    },

    async stream() {
        let text = '';
        let finish = null;
        for await (const chunk of await client.models.generateContentStream({ model, contents: PROMPT })) {
            text += chunk.text ?? '';
            finish = chunk.candidates?.[0]?.finishReason ?? finish;
        }
        return [text, finish];
    },

    async turns() {
        const chat = client.chats.create({ model, config: { systemInstruction: 'Be brief.' } });
        const first = await chat.sendMessage({ message: 'first' });
        let second = '';
        for await (const chunk of await chat.sendMessageStream({ message: 'second' })) second += chunk.text ?? '';
        return [first.text, second];
    },

    // Calls with what newer models want back with them, their results, and an answer of a shape.
    async tools() {
        const properties = { place: { type: 'string' } };
        const declared = { name: 'weather', parametersJsonSchema: { type: 'object', properties, required: ['place'] } };
        const chat = client.chats.create({ model: 'gemini-3.5-flash', config: { tools: [{ functionDeclarations: [declared] }] } });
        const { functionCalls } = await chat.sendMessage({ message: process.env.CALLS });
        const results = functionCalls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: 'rain' } } }));
        const said = await chat.sendMessage({ message: results });
        const config = { responseMimeType: 'application/json', responseJsonSchema: { type: 'object', properties, required: ['place'] } };
        const shaped = await client.models.generateContent({ model, contents: 'x', config });
        return [functionCalls.map(call => call.name), said.text.includes('rain'), Object.keys(JSON.parse(shaped.text))];
    },

    async images() {
        const shown = await client.models.generateContent({ model: 'gemini-2.5-flash-image', contents: 'a fox' });
        const { inlineData } = shown.candidates[0].content.parts.at(-1);
        return [inlineData.mimeType, inlineData.data.length > 100];
    },

    async interactions() {
        const first = await client.interactions.create({ model, input: 'hi' });
        const second = await client.interactions.create({ model, input: 'more', previous_interaction_id: first.id });
        const kinds = [];
        for await (const event of await client.interactions.create({ model, input: 'x', stream: true })) kinds.push(event.event_type);
        const found = await client.interactions.get(second.id);
        await client.interactions.delete(second.id);
        return [first.status, found.id === second.id, kinds];
    },

    // Caches, files, batches, counts, vectors: each made, used, found in its list, and deleted. FILE is there already.
    async objects() {
        const all = async pager => {
            const names = [];
            for await (const one of await pager) names.push(one.name);
            return names.join();
        };
        const cache = await client.caches.create({ model, config: { contents: 'Long.', displayName: 'd', ttl: '600s' } });
        const used = await client.models.generateContent({ model, contents: PROMPT, config: { cachedContent: cache.name } });
        const updated = await client.caches.update({ name: cache.name, config: { ttl: '900s' } });
        const caches = await all(client.caches.list());
        await client.caches.delete({ name: cache.name });
        const file = await client.files.get({ name: process.env.FILE });
        const files = await all(client.files.list({ config: { pageSize: 1 } }));
        await client.files.delete({ name: file.name });
        const batch = await client.batches.create({ model, src: [{ contents: [{ parts: [{ text: 'x' }], role: 'user' }] }] });
        const batches = await all(client.batches.list());
        const { state } = await client.batches.get({ name: batch.name });
        await client.batches.delete({ name: batch.name });
        const counted = await client.models.countTokens({ model, contents: PROMPT });
        const vector = await client.models.embedContent({ model: 'gemini-embedding-001', contents: 'x' });
        return [used.text.length > 0, updated.name === cache.name, caches === cache.name, files === file.name,
            batches === batch.name, state, counted.totalTokens > 0, vector.embeddings[0].values.length];
    },

    async errors() {
        const ask = (by, more) => nameOf(() => by.models.generateContent({ model, contents: PROMPT, ...more }));
        return [
            await ask(clientOf('stranger'), {}),
            await ask(client, { model: 'gemini-9-unheard-of' }),
            await ask(client, { config: { temperature: 9 } }),
        ];
    },
};

(async () => {
    const found = [];
    for (const name of process.argv[2].split(',')) found.push(await tasks[name]());
    console.log(JSON.stringify(found));
})();
