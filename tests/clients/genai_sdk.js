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
