import asyncio

from agents import (
    Agent,
    ApplyPatchTool,
    CodeInterpreterTool,
    CustomTool,
    FileSearchTool,
    ImageGenerationTool,
    LocalShellTool,
    ModelSettings,
    OpenAIConversationsSession,
    Runner,
    ShellTool,
    SQLiteSession,
    WebSearchTool,
    function_tool,
    set_tracing_disabled,
)
from client import main, released, seen, weather as weather_of
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

set_tracing_disabled(True)


class Place(BaseModel):
    city: str
    people: int


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return weather_of(city)


def plain(model, **more):
    return Agent(name="Assistant", instructions="You are helpful.", model=model, **more)


def with_tool(model, **more):
    return plain(model, tools=[weather], **more)


async def ask(agent, said, **options):
    return {"text": (await Runner.run(agent, said, **options)).final_output}


async def turns(model, **options):
    """Two turns that share what the options name."""
    return {"texts": [(await Runner.run(plain(model), said, **options)).final_output for said in "AB"]}


async def text(model):
    return await ask(plain(model), "Hi")


async def stream(model):
    result = Runner.run_streamed(plain(model), "Hi")
    async for event in result.stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            seen(event.data.delta)
    return {"text": result.final_output}


async def served_function(model):
    settings = ModelSettings(extra_body={"tools": [{"type": "function", "name": "clock"}]})
    agent = plain(model, model_settings=settings)
    first = await Runner.run(agent, "What time is it?")
    second = await Runner.run(agent, first.to_input_list() + [{"role": "user", "content": "And now?"}])
    return {"texts": [first.final_output, second.final_output]}


async def turns_chain(model):
    first = await Runner.run(plain(model), "A")
    second = await Runner.run(plain(model), "B", previous_response_id=first.last_response_id)
    return {"texts": [first.final_output, second.final_output]}


async def turns_conversation(model):
    conversation = await AsyncOpenAI().conversations.create()
    return await turns(model, conversation_id=conversation.id)


async def turns_session(model):
    """The SDK's own way with conversations: it makes one, and keeps its items there itself."""
    return await turns(model, session=OpenAIConversationsSession())


async def turns_memory(model):
    return await turns(model, session=SQLiteSession("memory"))


async def run_streamed(agent, said):
    result = Runner.run_streamed(agent, said)
    async for _ in result.stream_events():
        pass
    return result


async def replayed(agent, run=Runner.run):
    """Two turns, the second of which has the items of the first."""
    first = await run(agent, "A")
    second = await run(agent, first.to_input_list() + [{"role": "user", "content": "B"}])
    return first, {"texts": [first.final_output, second.final_output]}


async def turns_replay(model, **more):
    return (await replayed(plain(model, **more)))[1]


async def web_replay(model, run=Runner.run, **settings):
    agent = plain(model, tools=[WebSearchTool()], model_settings=ModelSettings(**settings))
    first, outcome = await replayed(agent, run)
    parts = [part for item in first.new_items for part in getattr(item.raw_item, "content", None) or []]
    return {**outcome, "sources": [citation.url for part in parts for citation in part.annotations]}


async def code_replay(model):
    container = {"type": "code_interpreter", "container": {"type": "auto"}}
    return await turns_replay(model, tools=[CodeInterpreterTool(tool_config=container)])


async def files_replay(model):
    return await turns_replay(model, tools=[FileSearchTool(vector_store_ids=[])])


async def image_replay(model):
    return await turns_replay(model, tools=[ImageGenerationTool(tool_config={"type": "image_generation"})])


async def tool(model):
    return await ask(with_tool(model), "Weather?")


async def tool_stream(model):
    result = Runner.run_streamed(with_tool(model), "Weather?")
    async for _ in result.stream_events():
        pass
    return {"text": result.final_output}


async def tool_chain(model):
    return await ask(with_tool(model), "Weather?", auto_previous_response_id=True)


async def reasoning_encrypted(model):
    settings = ModelSettings(store=False, response_include=["reasoning.encrypted_content"])
    return await ask(with_tool(model, model_settings=settings), "Weather?")


async def structured(model):
    return {"parsed": (await Runner.run(plain(model, output_type=Place), "Where?")).final_output.model_dump()}


async def structured_stream(model):
    result = Runner.run_streamed(plain(model, output_type=Place), "Where?")
    async for _ in result.stream_events():
        pass
    return {"parsed": result.final_output.model_dump()}


async def refused(model):
    return await ask(plain("nobody-knows"), "Hi")


async def unprocessable(model):
    return await ask(plain(model, model_settings=ModelSettings(max_tokens=1)), "Hi")


async def abort(model):
    result = Runner.run_streamed(plain(model), "Hi")
    async for event in result.stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            seen(event.data.delta)
            result.cancel()
    seen("ended")
    await asyncio.to_thread(released)  # the client's own tasks go on meanwhile


async def custom(model):
    async def write(context, text):
        seen(text)
        return "1 row"

    tools = [CustomTool(name="write", description="Runs SQL.", on_invoke_tool=write)]
    return await ask(plain(model, tools=tools), "Go")


async def local_shell(model):
    def execute(request):
        seen(request.data.action.command)
        return "hi there"

    return await ask(plain(model, tools=[LocalShellTool(executor=execute)]), "Go")


async def shell(model):
    def execute(request):
        seen(request.data.action.commands)
        return "hi there"

    return await ask(plain(model, tools=[ShellTool(executor=execute)]), "Go")


class Editor:
    def write(self, operation):
        seen({"type": operation.type, "path": operation.path, "diff": operation.diff})
        return "written"

    create_file = update_file = delete_file = write


async def apply_patch(model):
    return await ask(plain(model, tools=[ApplyPatchTool(editor=Editor())]), "Go")


async def handoff(model):
    italian = plain(model).clone(name="Italian")
    desk = Agent(name="Desk", instructions="You are helpful.", model=model, handoffs=[italian])
    return await ask(desk, "Ciao")


main(
    {
        "text": text,
        "stream": stream,
        "turns-chain": turns_chain,
        "turns-conversation": turns_conversation,
        "turns-session": turns_session,
        "turns-memory": turns_memory,
        "turns-replay": turns_replay,
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
        "stream-fails": stream,
        "abort": abort,
        "custom": custom,
        "local-shell": local_shell,
        "shell": shell,
        "apply-patch": apply_patch,
        "handoff": handoff,
        "served-function": served_function,
        "web-replay": web_replay,
        "web-replay-stateless": lambda model: web_replay(model, store=False),
        "web-replay-stream": lambda model: web_replay(model, run_streamed),
        "code-replay": code_replay,
        "files-replay": files_replay,
        "image-replay": image_replay,
    }
)
