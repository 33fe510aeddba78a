"""The built-in provider that repeats the user's words."""

from support.proxy import openai_answers as says
from support.proxy.process import Proxy


def test_echo_answers_with_the_users_words(served: Proxy) -> None:
    content = [{"type": "text", "text": "Say it again"}]
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": content}]

    answer = served.chat(profile="echo", messages=messages).rest()
    streamed = served.chat(profile="echo", messages=messages, stream=True).rest()

    assert answer.json["choices"][0]["message"]["content"] == "Say it again"
    assert streamed.body.endswith(says.DONE)
    for response in (answer, streamed):
        finished = served.finished(response.request_id)
        assert (finished["outcome"], finished["input_tokens"], finished["output_tokens"]) == ("ok", 4, 3)
