"""Texts from an engine that speaks the OpenAI protocol: many requests at once, each tried until it is answered.

A fault that may pass (no connection, no reply in time, 429, 5xx, half a reply) is tried again after a while, longer
each time and at least as long as the endpoint asks for; one that stays is the fault of its text alone. Where one text
after the other gets no answer, and the list of models is not to be had either, the endpoint is down and the run is
ended: what was answered stands in the journal.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx2
import numpy as np
from numpy import ndarray

from uncollapse.errors import BrokenModel, EndpointDown, UnknownModel
from uncollapse.language_models.calling import PATIENCE, Calling
from uncollapse.language_models.discretion import Discretion
from uncollapse.language_models.endpoint_address import WHO_ASKS, where
from uncollapse.language_models.journal import Journal, request_name
from uncollapse.language_models.replies import SILENT, Reply, read_reply
from uncollapse.language_models.texts import Ask, Fault, WrittenText
from uncollapse.sampling import Decoding
from uncollapse.step import Tally

Value = TypeVar("Value")

# So many texts in a row without an answer, and twice as many as are asked for at once: the endpoint is down.
LEAST_SILENT = 6
# Tokens whose probabilities are asked for at each place, where the decoding narrows: what the protocol allows.
TOPS = {True: 20, False: 5}
CHECK_SECONDS = 10.0


@dataclass
class _Dialect:
    """What this endpoint wants to be asked in other words, found out on the way; settings of the draw never change."""

    limit: str = "max_tokens"
    logprobs: bool = True

    def learns(self, fault: Fault) -> bool:
        """Whether a refusal says how to ask instead."""
        if self.limit == "max_tokens" and "max_completion_tokens" in fault.detail:
            self.limit = "max_completion_tokens"
            return True
        if self.logprobs and "logprobs" in fault.detail:
            self.logprobs = False
            return True
        return False


@dataclass
class Endpoint:
    """A writer of texts behind an address."""

    address: str
    calling: Calling = field(default_factory=Calling)

    def __post_init__(self) -> None:
        self._where = where(self.address)
        self._key = self.calling.key()
        self._discretion = Discretion(self._key)
        self._journal = Journal(self.calling.journal)
        self._dialect = _Dialect()
        self._silent = 0

    def check(self) -> None:
        """Nothing, where something answers at the address; it costs nothing, as only the list of models is asked for.

        Raises:
            UnknownModel: nothing answers.
            BrokenModel: the key is not taken, or it is elsewhere now.
        """
        try:
            reply = httpx2.get(f"{self._where.base}/models", headers=self._headers(), timeout=CHECK_SECONDS)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = self._discretion.of_text(str(error)) or type(error).__name__
            raise UnknownModel(
                f"nothing answers at {self._where.base}: {why}",
                hint="Is the server running, and is this its address? Nothing was written.",
            ) from error
        if reply.status_code in (401, 403):
            raise self._locked(reply.status_code)
        if reply.is_redirect:
            there = self._discretion.of_headers(reply.headers).get("location", "nobody says where")
            raise BrokenModel(
                f"{self._where.base} has moved: {there}",
                hint="Give the address where it is now; nobody is followed there with a key.",
            )

    def write(self, asks: Sequence[Ask], *, decoding: Decoding) -> list[WrittenText]:
        """The texts that are asked for, in their order; one of which nothing came bears a fault.

        What is asked for twice in the same words, seed and settings is sent once.

        Raises:
            EndpointDown: it answers no more.
            BrokenModel: it does not take the key, or knows no such model.
        """
        names = [self._name(ask, decoding) for ask in asks]
        different = dict(zip(names, asks, strict=True))
        texts = dict(zip(different, _finished(lambda: self._write_all(different, decoding)), strict=True))
        # What a reply cost stands in the account of the first text that it is.
        first = {name: place for place, name in reversed(list(enumerate(names)))}
        return [
            texts[name] if first[name] == place else replace(texts[name], account={"requests": {"shared": 1}})
            for place, name in enumerate(names)
        ]

    async def _write_all(self, asks: Mapping[str, Ask], decoding: Decoding) -> list[WrittenText]:
        places = asyncio.Semaphore(self.calling.concurrency)
        limits = httpx2.Limits(max_connections=self.calling.concurrency)
        async with httpx2.AsyncClient(timeout=None, limits=limits, headers=self._headers()) as client:
            over = asyncio.Event()

            async def one(name: str, ask: Ask) -> WrittenText:
                async with places:
                    if over.is_set():
                        raise asyncio.CancelledError
                    try:
                        return await self._write(client, ask, decoding, name=name)
                    except BaseException:
                        over.set()
                        raise

            tasks = [asyncio.ensure_future(one(name, ask)) for name, ask in asks.items()]
            try:
                return list(await asyncio.gather(*tasks))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _name(self, ask: Ask, decoding: Decoding) -> str:
        """The name of a request: what is wanted, in whatever words the endpoint takes it."""
        body = body_of(ask, self._where.model, decoding, dialect=_Dialect())
        return request_name(self.address, path_of(ask), body)

    async def _write(self, client: httpx2.AsyncClient, ask: Ask, decoding: Decoding, *, name: str) -> WrittenText:
        path = path_of(ask)
        kept = self._journal.get(name)
        if kept is not None:
            return self._text(Reply.from_json(kept), {"kept": 1})
        again = 0
        while True:
            asked = (self._dialect.limit, self._dialect.logprobs)
            body = body_of(ask, self._where.model, decoding, dialect=_Dialect(*asked))
            reply, tries = await self._insist(client, path, body, name=name, decoding=decoding)
            again += tries
            if not isinstance(reply, Fault):
                break
            changed = asked != (self._dialect.limit, self._dialect.logprobs)
            if reply.passing or not (changed or self._dialect.learns(reply)):
                return WrittenText(fault=reply, account={"requests": {"unanswered": 1, "again": again}})
        self._journal.add(name, reply.as_json())
        return self._text(reply, {"answered": 1, "again": again})

    async def _insist(
        self, client: httpx2.AsyncClient, path: str, body: Mapping[str, Any], *, name: str, decoding: Decoding
    ) -> tuple[Reply | Fault, int]:
        """The reply, or the fault of the last try, and how many tries were in vain before."""
        fault = Fault(SILENT, "")
        for attempt in range(self.calling.tries):
            if attempt:
                await asyncio.sleep(max(fault.wait, self.calling.wait(name, attempt=attempt)))
            said = await self._send(client, path, body, decoding)
            if isinstance(said, Reply) or not said.passing:
                self._silent = 0
                return said, attempt
            fault = said
            if fault.wait > PATIENCE:
                break
        await self._count_silent(client, fault)
        tries = "1 try" if attempt == 0 else f"{attempt + 1} tries; the last"
        return fault._replace(detail=f"{tries}: {fault.detail}"), attempt

    async def _count_silent(self, client: httpx2.AsyncClient, fault: Fault) -> None:
        """Nothing, while it may be the texts that get no answer, and not all that are asked for.

        Raises:
            EndpointDown: one after the other got none, and the list of models is not to be had either.
        """
        self._silent += 1
        if self._silent < max(LEAST_SILENT, 2 * self.calling.concurrency):
            return
        silent, self._silent = self._silent, 0
        with suppress(httpx2.HTTPError):
            reply = await client.get(f"{self._where.base}/models", timeout=CHECK_SECONDS)
            if reply.status_code < 500:
                return
        raise EndpointDown(
            f"{self._where.base} has not answered {silent} requests in a row; the last: {fault.detail}",
            hint="See to it, then give the same command again: what was answered is kept and not asked twice.",
        )

    async def _send(
        self, client: httpx2.AsyncClient, path: str, body: Mapping[str, Any], decoding: Decoding
    ) -> Reply | Fault:
        try:
            async with asyncio.timeout(self.calling.timeout):
                answer = await client.post(self._where.base + path, json=body)
        except TimeoutError:
            return Fault(SILENT, f"no whole reply within {self.calling.timeout:g} s", passing=True)
        except httpx2.HTTPError as error:
            return Fault(SILENT, f"{type(error).__name__}: {self._discretion.of_text(str(error))}", passing=True)
        if answer.status_code in (401, 403):
            raise self._locked(answer.status_code)
        headers = self._discretion.of_headers(answer.headers)
        content = self._discretion.of_content(answer.content)
        said = read_reply(answer.status_code, headers, content, decoding=decoding)
        if isinstance(said, Fault):
            said = said._replace(detail=self._discretion.of_text(said.detail))
            if answer.status_code in (404, 405):
                raise BrokenModel(
                    f"{self._where.base}{path} knows no model {self._where.model!r}, or takes no such request: "
                    f"{said.detail}",
                    hint="the address is the base, such as http://host:port/v1, and the model's name stands behind a #",
                )
        return said

    def _text(self, reply: Reply, requests: Tally) -> WrittenText:
        read, written = reply.prompt_tokens or 0, reply.tokens or 0
        account: dict[str, Any] = {"requests": requests, "writers": {reply.writer: 1}}
        if reply.prompt_tokens is None or reply.tokens is None:
            account["requests"] = {**requests, "without_usage": 1}
        if self.calling.price_in is not None or self.calling.price_out is not None:
            account["cost"] = {"billionths": self.calling.cost(read=read, written=written)}
        return WrittenText(
            data=reply.text.encode("utf-8", "surrogatepass"),
            ended=reply.finish != "length",
            tokens=written,
            prompt_tokens=read,
            logprob=_array(reply.logprob),
            entropy=_array(reply.entropy),
            drawn_entropy=_array(reply.drawn_entropy),
            partial=bool(reply.entropy) and not reply.whole,
            account=account,
        )

    def _headers(self) -> dict[str, str]:
        key = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        return {"User-Agent": WHO_ASKS, **key}

    def _locked(self, status: int) -> BrokenModel:
        with_it = "with" if self._key else "without"
        hint = f"is the key in {self.calling.key_from} the right one?" if self._key else "--api-key-env NAME"
        return BrokenModel(f"{self._where.base} lets nobody in {with_it} a key ({status})", hint=hint)


def path_of(ask: Ask) -> str:
    """Where a request goes, behind the base of the address."""
    return "/chat/completions" if ask.prompt.chat else "/completions"


def body_of(ask: Ask, model: str, decoding: Decoding, *, dialect: _Dialect) -> dict[str, Any]:
    """The body of a request. Temperature and top-p are always said; top-k and min-p, which few know, if they act."""
    prompt = ask.prompt
    words = {"messages": [{"role": "user", "content": prompt.text}]} if prompt.chat else {"prompt": prompt.text}
    body: dict[str, Any] = {
        "model": model,
        **words,
        dialect.limit: ask.tokens,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "seed": ask.seed(),
        "stream": False,
    }
    body |= {name: value for name in ("top_k", "min_p") if (value := getattr(decoding, name))}
    if dialect.logprobs and prompt.chat:
        body |= {"logprobs": True, **({"top_logprobs": TOPS[True]} if decoding.narrows else {})}
    elif dialect.logprobs:
        body["logprobs"] = TOPS[False] if decoding.narrows else 1
    return body


def _array(values: tuple[float, ...]) -> ndarray | None:
    return np.array(values, np.float32) if values else None


def _finished(start: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """What a coroutine gives, also where this thread, as in a notebook, is inside of an event loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(start())).result()
