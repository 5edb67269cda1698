// SPDX-License-Identifier: Apache-2.0
// Pictures and sound with OpenAI's Node SDK; tests/flow/test_media*.py names the task and reads the JSON.
const fs = require('fs');
const OpenAI = require('openai');

const { GATEWAY, TOKEN, MODEL, PATIENCE, PROMPT = 'a fox', PREFIX = '/v1', MORE = '{}' } = process.env;
const client = new OpenAI({ apiKey: TOKEN, baseURL: GATEWAY + PREFIX, maxRetries: 0, timeout: PATIENCE * 1000 });

const tasks = {
    async images() {
        const reply = await client.images.generate({ prompt: PROMPT, model: MODEL, ...JSON.parse(MORE) });
        return [reply.data.map(image => image.b64_json ?? image.url), reply.output_format, reply.usage ?? null];
    },

    async speech() {
        const request = { model: MODEL, voice: 'nova', input: PROMPT, ...JSON.parse(MORE) };
        const reply = await client.audio.speech.create(request);
        fs.writeFileSync(process.env.FILE, Buffer.from(await reply.arrayBuffer()));
        return reply.headers.get('content-type');
    },

    async transcription() {
        const file = fs.createReadStream(process.env.FILE);
        return client.audio.transcriptions.create({ file, model: MODEL, ...JSON.parse(MORE) });
    },

    async edit() {
        const image = process.env.FILES.split(' ').map(name => fs.createReadStream(name));
        const reply = await client.images.edit({ image, prompt: PROMPT, model: MODEL, ...JSON.parse(MORE) });
        return reply.data.length;
    },

    async imageStream() {
        const found = [];
        for await (const event of await client.images.generate({ prompt: PROMPT, model: MODEL, stream: true }))
            found.push([event.type, event.output_format, event.b64_json.length > 0]);
        return found;
    },
};

tasks[process.argv[2]]().then(found => console.log(JSON.stringify(found)));
