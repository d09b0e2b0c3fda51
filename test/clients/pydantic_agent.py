import asyncio

from client import main, released, seen, weather as weather_of
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    CodeExecutionTool,
    FileSearchTool,
    ImageGenerationTool,
    MCPServerTool,
    NativeOutput,
    WebSearchTool,
)
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings as Settings
from pydantic_ai.profiles.openai import OpenAIModelProfile


class Place(BaseModel):
    city: str
    people: int


async def weather(city: str) -> str:
    """The weather of a city."""
    return weather_of(city)


def plain(model, **more):
    return Agent(OpenAIResponsesModel(model), **more)


async def ask(agent, said, **options):
    return {"text": (await agent.run(said, **options)).output}


async def streamed(model, leaves=False):
    text = ""
    async with plain(model).run_stream("Hi") as result:
        async for delta in result.stream_text(delta=True, debounce_by=None):
            seen(delta)
            text += delta
            if leaves:
                break
    return {"text": text}


async def turns(model, **settings):
    """Two turns, the second of which has the messages of the first."""
    agent = plain(model, model_settings=Settings(**settings))
    first = await agent.run("A")
    second = await agent.run("B", message_history=first.all_messages())
    return {"texts": [first.output, second.output]}


async def mcp_replay(model):
    """Two turns with an MCP server of the configuration, whose items the client keeps."""
    return (await replayed(model, MCPServerTool(id="crm", url="x-openai-connector:crm")))[1]


async def drain(_context, events):
    """Has a run stream."""
    async for _ in events:
        pass


async def replayed(model, hosted, handler=None, **settings):
    """Two turns with a tool that the server runs."""
    agent = Agent(
        model if isinstance(model, OpenAIResponsesModel) else OpenAIResponsesModel(model),
        capabilities=[NativeTool(hosted)],
        model_settings=Settings(**settings),
    )
    first = await agent.run("A", event_stream_handler=handler)
    second = await agent.run("B", message_history=first.all_messages(), event_stream_handler=handler)
    return first, {"texts": [first.output, second.output]}


async def web_replay(model, handler=None, **settings):
    # By the names of OpenAI's models it sends back the items of their tools; others have this setting.
    settings = {"openai_send_reasoning_ids": True, "openai_include_web_search_sources": True, **settings}
    # It shows its user the sources of the search; the annotations of the text it keeps only as what the provider said.
    first, outcome = await replayed(model, WebSearchTool(), handler, **settings)
    calls = [part for part in first.response.parts if part.part_kind == "builtin-tool-return"]
    return {**outcome, "sources": [source["url"] for call in calls for source in call.content["sources"]]}


async def code_replay(model, handler=None):
    return (await replayed(model, CodeExecutionTool(), handler, openai_send_reasoning_ids=True))[1]


async def files_replay(model, handler=None):
    return (await replayed(model, FileSearchTool(file_store_ids=[]), handler, openai_send_reasoning_ids=True))[1]


async def image_replay(model, handler=None):
    # By the names of OpenAI's models it knows which of them make images.
    drawing = OpenAIResponsesModel(model, profile=OpenAIModelProfile(supports_image_output=True))
    return (await replayed(drawing, ImageGenerationTool(), handler, openai_send_reasoning_ids=True))[1]


async def turns_conversation(model):
    conversation = await AsyncOpenAI().conversations.create()
    agent = plain(model, model_settings=Settings(openai_conversation_id=conversation.id))
    return {"texts": [(await agent.run(said)).output for said in "AB"]}


async def tool(model, **settings):
    return await ask(plain(model, tools=[weather], model_settings=Settings(**settings)), "Weather?")


async def tool_stream(model):
    return await ask(plain(model, tools=[weather]), "Weather?", event_stream_handler=drain)


async def reasoning_encrypted(model):
    # By the names of OpenAI's models it knows which of them give this.
    profile = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=True)
    agent = Agent(OpenAIResponsesModel(model, profile=profile), tools=[weather])
    return await ask(agent, "Weather?", model_settings=Settings(openai_store=False))


async def structured(model):
    return {"parsed": (await plain(model, output_type=NativeOutput(Place)).run("Where?")).output.model_dump()}


async def structured_stream(model):
    async with plain(model, output_type=NativeOutput(Place)).run_stream("Where?") as result:
        return {"parsed": (await result.get_output()).model_dump()}


async def text(model):
    return await ask(plain(model), "Hi")


async def unprocessable(model):
    return await ask(plain(model, model_settings=Settings(max_tokens=1)), "Hi")


async def abort(model):
    await streamed(model, leaves=True)
    seen("ended")
    await asyncio.to_thread(released)  # the client's own tasks go on meanwhile


main(
    {
        "text": text,
        "stream": streamed,
        "turns-chain": lambda model: turns(model, openai_previous_response_id="auto"),
        "turns-conversation": turns_conversation,
        "turns-replay": turns,
        "mcp-replay": mcp_replay,
        "web-replay": web_replay,
        "web-replay-stateless": lambda model: web_replay(model, openai_store=False),
        "web-replay-stream": lambda model: web_replay(model, drain),
        "code-replay": code_replay,
        "files-replay": files_replay,
        "image-replay": image_replay,
        "code-replay-stream": lambda model: code_replay(model, drain),
        "files-replay-stream": lambda model: files_replay(model, drain),
        "image-replay-stream": lambda model: image_replay(model, drain),
        "tool": tool,
        "tool-stream": tool_stream,
        "tool-chain": lambda model: tool(model, openai_previous_response_id="auto"),
        "tools-parallel": tool,
        "reasoning": tool,
        "reasoning-encrypted": reasoning_encrypted,
        "structured": structured,
        "structured-stream": structured_stream,
        "retry": text,
        "refused": lambda _: text("nobody-knows"),
        "unprocessable": unprocessable,
        "stream-fails": streamed,
        "abort": abort,
    }
)
