import json

from client import main, released, seen, weather
from openai import NotFoundError, OpenAI
from pydantic import BaseModel

client = OpenAI()


class Place(BaseModel):
    city: str
    people: int


TOOLS = [
    {
        "type": "function",
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    }
]


def outputs_of(response):
    """Runs the calls of a response, as the documentation's loop does."""
    calls = [item for item in response.output if item.type == "function_call"]
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": weather(**json.loads(call.arguments))}
        for call in calls
    ]


def tool_loop(create):
    messages = [{"role": "user", "content": "Weather?"}]
    while True:
        response = create(input=messages, tools=TOOLS)
        outputs = outputs_of(response)
        if not outputs:
            return {"text": response.output_text}
        messages += response.output + outputs


def text(model):
    return {"text": client.responses.create(model=model, input="Hi").output_text}


def stream(model):
    said = ""
    for event in client.responses.create(model=model, input="Hi", stream=True):
        if event.type == "response.output_text.delta":
            seen(event.delta)
            said += event.delta
    return {"text": said}


def stream_helper(model):
    with client.responses.stream(model=model, input="Hi") as events:
        for event in events:
            if event.type == "response.output_text.delta":
                seen(event.delta)
        return {"text": events.get_final_response().output_text}


def turns_chain(model):
    first = client.responses.create(model=model, input="A")
    second = client.responses.create(model=model, input="B", previous_response_id=first.id)
    return {"texts": [first.output_text, second.output_text]}


def turns_conversation(model):
    conversation = client.conversations.create()
    turns = [client.responses.create(model=model, input=said, conversation=conversation.id) for said in "AB"]
    return {"texts": [turn.output_text for turn in turns]}


def final_of_stream(**body):
    with client.responses.stream(**body) as events:
        return events.until_done().get_final_response()


def replayed(model, create=client.responses.create, **more):
    """Two turns, the second of which has the items of the first."""
    messages = [{"role": "user", "content": "A"}]
    first = create(model=model, input=messages, **more)
    messages += [*first.output, {"role": "user", "content": "B"}]
    second = create(model=model, input=messages, **more)
    return first, {"texts": [first.output_text, second.output_text]}


def turns_replay(model, **more):
    return replayed(model, **more)[1]


def web_replay(model, **more):
    first, outcome = replayed(model, tools=[{"type": "web_search"}], **more)
    parts = [part for item in first.output if item.type == "message" for part in item.content]
    return {**outcome, "sources": [citation.url for part in parts for citation in part.annotations]}


def code_replay(model):
    return turns_replay(model, tools=[{"type": "code_interpreter", "container": {"type": "auto"}}])


def files_replay(model):
    return turns_replay(model, tools=[{"type": "file_search", "vector_store_ids": []}])


def image_replay(model):
    return turns_replay(model, tools=[{"type": "image_generation"}])


def tool(model):
    return tool_loop(lambda **body: client.responses.create(model=model, **body))


def tool_stream(model):
    return tool_loop(lambda **body: final_of_stream(model=model, **body))


def tool_chain(model):
    first = client.responses.create(model=model, input="Weather?", tools=TOOLS)
    second = client.responses.create(
        model=model, input=outputs_of(first), tools=TOOLS, previous_response_id=first.id
    )
    return {"text": second.output_text}


def reasoning_encrypted(model):
    stateless = {"store": False, "include": ["reasoning.encrypted_content"]}
    return tool_loop(lambda **body: client.responses.create(model=model, **body, **stateless))


def structured(model):
    response = client.responses.parse(model=model, input="Where?", text_format=Place)
    return {"parsed": response.output_parsed.model_dump()}


def structured_stream(model):
    with client.responses.stream(model=model, input="Where?", text_format=Place) as events:
        return {"parsed": events.until_done().get_final_response().output_parsed.model_dump()}


def refused(model):
    client.responses.create(model="nobody-knows", input="Hi")


def unprocessable(model):
    client.responses.create(model=model, input="Hi", max_output_tokens=1)


def stream_fails(model):
    for event in client.responses.create(model=model, input="Hi", stream=True):
        if event.type == "response.output_text.delta":
            seen(event.delta)


def abort(model):
    with client.responses.stream(model=model, input="Hi") as events:
        for event in events:
            if event.type == "response.output_text.delta":
                seen(event.delta)
                break
    seen("ended")
    released()


def websocket(model):
    with client.responses.connect() as connection:
        events = iter(connection)

        def create(**body):
            connection.response.create(model=model, store=False, tools=TOOLS, **body)
            for event in events:
                if event.type == "error":
                    return event.error.code
                if event.type == "response.completed":
                    return event.response

        warm = create(generate=False, input=[{"role": "developer", "content": "Be kind."}])
        first = create(input="Weather?", previous_response_id=warm.id)
        last = create(input=outputs_of(first), previous_response_id=first.id)
        error = create(input="Hi", previous_response_id="resp_unknown")
        return {"text": last.output_text, "errors": [error]}


def stored(model):
    made = client.responses.create(model=model, input="Hi")
    read = client.responses.retrieve(made.id)
    items = [item.content[0].text for item in client.responses.input_items.list(made.id)]
    client.responses.delete(made.id)
    try:
        client.responses.retrieve(made.id)
    except NotFoundError as error:
        return {"text": read.output_text, "items": items, "after": error.status_code}


main(
    {
        "text": text,
        "stream": stream,
        "stream-helper": stream_helper,
        "turns-chain": turns_chain,
        "turns-conversation": turns_conversation,
        "turns-replay": turns_replay,
        "web-replay": web_replay,
        "web-replay-stateless": lambda model: web_replay(model, store=False),
        "web-replay-stream": lambda model: web_replay(model, create=final_of_stream),
        "code-replay": code_replay,
        "files-replay": files_replay,
        "image-replay": image_replay,
        "tool": tool,
        "tool-stream": tool_stream,
        "tool-chain": tool_chain,
        "tools-parallel": tool,
        "reasoning": tool,
        "reasoning-encrypted": reasoning_encrypted,
        "structured": structured,
        "structured-stream": structured_stream,
        "retry": text,
        "refused": refused,
        "unprocessable": unprocessable,
        "stream-fails": stream_fails,
        "abort": abort,
        "stored": stored,
        "websocket": websocket,
    }
)
