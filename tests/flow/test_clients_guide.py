# SPDX-License-Identifier: Apache-2.0
"""The guide's programs in Python, JavaScript and PHP, run as they stand there but for host, port and token."""
import json

import pytest

from clients import MODEL, guide, node, old_python, php, python, run, stage  # noqa: F401


def is_answer(text, said):
    reply = json.loads(text)
    assert reply["object"] == "chat.completion" and reply["model"] == MODEL
    message = reply["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", said)
    return True


def test_python_requests(stage, python):
    assert is_answer(run(stage, [*python, "-"], guide(stage, "Python: requests")), "You said: 你好，介绍一下自己")


def test_python_requests_streams(stage, python):
    """The guide defines stream_chat and does not call it."""
    out = run(stage, [*python, "-"], guide(stage, "Python: requests") + "print('---')\nstream_chat('你好')\n")
    lines = out.split("---\n")[1].splitlines()
    assert lines[-1] == "data: [DONE]" and all(line.startswith("data: ") for line in lines)
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(c["delta"].get("content") or "" for e in events for c in e["choices"]) == "You said: 你好"


@pytest.mark.release_only
def test_python_requests_with_a_wrong_token(stage, python):
    out = run(stage, [*python, "-"], guide(stage, "Python: requests", token="wrong"))
    assert json.loads(out)["error"]["code"] == "invalid_api_key"


def test_node_axios(stage, node):
    assert is_answer(run(stage, [*node, "-"], guide(stage, "Node: axios")), "You said: Hello, how are you?")


@pytest.mark.release_only
def test_node_axios_lists_models(stage, node):
    """The guide defines getModels and does not call it."""
    program = guide(stage, "Node: axios").split("// 使用示例")[0] + "getModels().then(r => console.log(JSON.stringify(r)));\n"
    assert MODEL in [model["id"] for model in json.loads(run(stage, [*node, "-"], program))["data"]]


@pytest.mark.release_only
def test_node_axios_with_a_wrong_token(stage, node):
    """The guide prints what error.response.data holds, and then the undefined that its catch leaves."""
    out = run(stage, [*node, "-"], guide(stage, "Node: axios", token="wrong").replace("console.error", "console.log"))
    assert "invalid_api_key" in out and out.splitlines()[-1] == "undefined"


def test_php(stage, php):
    assert is_answer(run(stage, php, guide(stage, "PHP")), "You said: 你好，请介绍一下你自己")


def test_openais_python_sdk(stage, python):
    assert run(stage, [*python, "-"], guide(stage, "Python: OpenAI's SDK")) == "You said: Hello, world!\n"


def test_langchain(stage, old_python):
    """No LangChain makes an object of the guide's class as it stands: its __init__ sets fields that pydantic does not know
    yet. So that they are declared is the one thing changed; imports, _call and use are the guide's."""
    program = guide(stage, "Python: LangChain")
    begin, end = program.index("    def __init__"), program.index("    def _call")
    declared = f'    api_key: str = "q1q2q3q4"\n    base_url: str = "http://127.0.0.1:{stage.port}"\n\n'
    out = run(stage, [*old_python, "-W", "ignore", "-"], program[:begin] + declared + program[end:])
    assert out == "You said: 解释一下什么是人工智能\n"
