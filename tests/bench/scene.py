# SPDX-License-Identifier: Apache-2.0
"""What is measured: a stage (all our processes, the simulator, a database) with peers beside it, as targets that take
the same calls.

What must stay true: the load tools, the simulator and the database server have one core, the gateway or a peer the other.
"""
import base64
import json
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))

import peers  # noqa: E402
from processes import ALL_CPUS, GATEWAY_CPU, LOAD_CPU, Group, pin  # noqa: E402
from stage import BUILD, Stage  # noqa: E402

MODEL = "gemini-2.0-flash"
TOKEN = "bench-token"
READY_SECONDS = 90  # with 100,000 keys
PROMPT = "Tell me, in a few words, what a gateway is. " * 12
CHAT_PATH = "/v1/chat/completions"
CALL_PATH = f"/v1beta/models/{MODEL}:generateContent"
STREAM_PATH = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
TRANSLATED, NATIVE, NGINX, HAPROXY, PORTKEY, STRAIGHT = \
    "gateway, translated", "gateway, native", "nginx", "HAProxy", "Portkey", "straight"
MARKS = {"openai": '"content":"[', "gemini": '"text":"['}


def key(number):
    return f"bench-ok-{number}"


def image(size):
    """Base64 of so many characters, or some fewer, that begins as a PNG does."""
    head = b"\x89PNG\r\n\x1a\n"
    return base64.b64encode(head.ljust(size // 4 * 3, b"\x5a")).decode()


def chat_body(prompt, image_size, stream=False):
    content = prompt if not image_size else [
        {"type": "text", "text": prompt},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image(image_size)}"}}]
    return {"model": MODEL, "messages": [{"role": "system", "content": "Answer briefly."},
                                         {"role": "user", "content": content}],
            "temperature": 0.7, "max_tokens": 256} | ({"stream": True} if stream else {})


def gemini_body(prompt, image_size):
    media = [{"inlineData": {"mimeType": "image/png", "data": image(image_size)}}] if image_size else []
    return {"systemInstruction": {"parts": [{"text": "Answer briefly."}]},
            "contents": [{"role": "user", "parts": [{"text": prompt}, *media]}],
            "generationConfig": {"temperature": 0.7, "maxOutputTokens": 256}}


def tools_body():
    """Ten functions of five parameters each, with an object and a list among them, as agents send them."""
    def function(number):
        properties = {f"text_{i}": {"type": "string", "description": "What it is about, in a few words."} for i in range(3)}
        properties["place"] = {"type": "object", "properties": {"name": {"type": "string"}, "kind": {"enum": ["city", "lake"]}},
                               "required": ["name"], "additionalProperties": False}
        properties["days"] = {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
        return {"type": "function", "function": {
            "name": f"tool_{number}", "description": "Looks something up and tells what it has found.",
            "parameters": {"type": "object", "properties": properties, "required": ["text_0", "place"]}}}
    return chat_body(PROMPT, 0) | {"tools": [function(number) for number in range(10)]}


def embedding_body():
    return {"model": "gemini-embedding-001", "input": [f"{number}: {PROMPT[:200]}" for number in range(100)], "dimensions": 256}


# Other calls than a plain chat: what, which route, and the body.
KINDS = {"chat with ten tools": (CHAT_PATH, tools_body), "embedding of 100 texts": ("/v1/embeddings", embedding_body)}


class Target:
    """Something that answers calls: where, in which dialect, and which processes cost CPU for it. `kind`: a call of KINDS."""

    def __init__(self, name, port, dialect, headers, group, kind=None):
        self.name, self.port, self.dialect, self.headers, self.group, self.kind = name, port, dialect, headers, group, kind
        self.mark = MARKS[dialect]

    @property
    def path(self):
        if self.kind:
            return KINDS[self.kind][0]
        return CHAT_PATH if self.dialect == "openai" else CALL_PATH

    @property
    def stream_path(self):
        return CHAT_PATH if self.dialect == "openai" else STREAM_PATH


class Scene:
    """A context manager. `with_peers` starts nginx, HAProxy and Portkey as well; what is missing stands in `missing`."""

    def __init__(self, keys=10, with_peers=True):
        self.keys = keys
        self.with_peers = with_peers
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
        self.peers, self.missing, self.targets = {}, {}, {}

    def __enter__(self):
        self.stage = Stage(tokens=(TOKEN,), keys=(), start=False, ready=False)
        # More keys than an environment variable can hold (128 KiB) come in a file, as a user's would.
        (self.stage.state / ".env").write_text("API_KEYS=" + ",".join(map(key, range(self.keys))) + "\n")
        del self.stage.settings["API_KEYS"]
        self.stage.__enter__()
        try:
            self.stage.start_all()
            self.stage.wait_ready(READY_SECONDS)
            self._start_peers()
            self._make_targets()
            self.pin()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *how):
        for peer in self.peers.values():
            peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.stage.__exit__(*how)

    def _start_peers(self):
        port = self.stage.sim.port
        starts = {NGINX: lambda: peers.nginx(self.folder, port), HAPROXY: lambda: peers.haproxy(self.folder, port),
                  PORTKEY: lambda: peers.portkey(self.folder, BUILD / "bench/portkey")}
        for name, start in starts.items() if self.with_peers else ():
            try:
                self.peers[name] = start()
            except peers.Missing as why:
                self.missing[name] = str(why)

    def _make_targets(self):
        stage = self.stage
        pids = {name: [proc.pid] for name, proc in stage.procs.items() if name != "simulator"}
        self.gateway = Group(pids | {"mariadbd": [stage.database.process.pid]}, beside=["mariadbd"])
        self.simulator = Group({"simulator": [stage.pid("simulator")]})
        direct = [f"x-goog-api-key: {key(0)}"]
        self._add(TRANSLATED, stage.port, "openai", [f"Authorization: Bearer {TOKEN}"], self.gateway)
        for kind in KINDS:
            self._add(kind, stage.port, "openai", [f"Authorization: Bearer {TOKEN}"], self.gateway, kind)
        self._add(NATIVE, stage.port, "gemini", [f"x-goog-api-key: {TOKEN}"], self.gateway)
        for name, peer in self.peers.items():
            portkey = [f"Authorization: Bearer {key(0)}", "x-portkey-provider: google",
                       f"x-portkey-custom-host: http://127.0.0.1:{stage.sim.port}"]
            self._add(name, peer.port, *(("openai", portkey) if name == PORTKEY else ("gemini", direct)),
                      Group({name: peer.pids()}))
        self._add(STRAIGHT, stage.sim.port, "gemini", direct, Group({}))

    def _add(self, name, *what):
        self.targets[name] = Target(name, *what)

    def choose(self, *names):
        return [self.targets[name] for name in names if name in self.targets]

    def pin(self, apart=True):
        """Apart: on two cores, to compare CPU. Else wherever the kernel puts them, to compare latency."""
        gateway, load = (GATEWAY_CPU, LOAD_CPU) if apart else (ALL_CPUS, ALL_CPUS)
        for target in self.targets.values():
            target.group.pin(gateway)
        pin([self.stage.database.process.pid, self.stage.pid("simulator")], load)
        self.load_cpus = load

    def bodies(self, target, prompt=PROMPT, image_size=0):
        """Paths of the bodies of a call and of a stream; with an image of so many characters, if not 0."""
        found = []
        if target.kind:
            path = self.folder / f"{KINDS[target.kind][1].__name__}.json"
            path.write_text(json.dumps(KINDS[target.kind][1]()))
            return [path, path]
        for stream in (False, True):
            path = self.folder / f"{target.dialect}-{len(prompt)}-{image_size}-{stream}.json"
            if not path.exists():
                body = (chat_body(prompt, image_size, stream) if target.dialect == "openai"
                        else gemini_body(prompt, image_size))
                path.write_text(json.dumps(body))
            found.append(path)
        return found
