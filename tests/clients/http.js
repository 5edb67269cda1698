// SPDX-License-Identifier: Apache-2.0
// What programs do with axios and with Node's own fetch; tests/flow/test_clients_node.py names the task and reads the JSON.
const axios = require('axios');

const { GATEWAY, TOKEN, MODEL, PROMPT = 'Hello, world!' } = process.env;
const url = `${GATEWAY}/v1/chat/completions`;
const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' };
const question = { model: MODEL, messages: [{ role: 'user', content: PROMPT }] };

// The data of each event, of bytes that come in pieces cut anywhere.
async function eventsOf(pieces) {
    const decoder = new TextDecoder();
    let text = '';
    for await (const piece of pieces) text += decoder.decode(piece, { stream: true });
    return text.split('\n\n').filter(event => event.startsWith('data: ')).map(event => event.slice(6));
}

const tasks = {
    async axiosStream() {
        const reply = await axios.post(url, { ...question, stream: true }, { headers, responseType: 'stream' });
        return [reply.status, reply.headers['content-type'], await eventsOf(reply.data)];
    },

    async axiosError() {
        const error = await axios.post(url, { ...question, n: 0 }, { headers }).catch(reason => reason);
        return [error.response.status, error.response.headers['content-type'], error.response.data];
    },

    async fetchChat() {
        const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(question) });
        return [reply.status, reply.headers.get('content-type'), await reply.json()];
    },

    async fetchStream() {
        const body = JSON.stringify({ ...question, stream: true });
        const reply = await fetch(url, { method: 'POST', headers, body });
        return [reply.status, reply.headers.get('content-type'), await eventsOf(reply.body)];
    },
};

tasks[process.argv[2]]().then(found => console.log(JSON.stringify(found)));
