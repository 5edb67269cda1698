// SPDX-License-Identifier: Apache-2.0
// What programs do with Google's Node SDK on Gemini's own routes; tests/flow/test_clients_google.py names the task.
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
