# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback whose pages are what a test says, and which keeps what it was asked."""
import http.server
import threading


class Page:
    """What a path answers: `body`, and behind it what the generator `pieces` makes."""

    def __init__(self, body=b"", type="image/png", status=200, headers=(), pieces=None, length=True):
        self.body, self.type, self.status, self.headers = body, type, status, dict(headers)
        self.pieces, self.has_length = pieces, length


class Web:
    def __init__(self, pages=None, host="127.0.0.1"):
        self.pages, self.seen = dict(pages or {}), []
        self.closing = threading.Event()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("content-length", 0))
                web.seen.append((self.command, self.path, dict(self.headers.items()), self.rfile.read(length)))
                page = web.pages.get(self.path.partition("?")[0])
                page = page(*web.seen[-1]) if callable(page) else page or Page(b"not here", "text/plain", 404)
                try:
                    web.give(self, page)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # whoever asks may go
                pass
        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}"

    def give(self, handler, page):
        handler.send_response(page.status)
        if page.type:
            handler.send_header("Content-Type", page.type)
        if page.pieces is None and page.has_length:
            handler.send_header("Content-Length", str(len(page.body)))
        for name, value in page.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(page.body)
        for piece in page.pieces() if page.pieces else ():
            if self.closing.is_set():
                break
            handler.wfile.write(piece)

    def paths(self):
        return [path for _, path, _, _ in self.seen]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
