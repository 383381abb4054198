"""What the platform's error codes mean, and what a person does about each.

Source: the error tables of developers.weixin.qq.com, and for 89503, 89506, 89507 and 40243 what
users report. An error comes with status 200, so the code in the answer decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from forecast.errors import DeliveryError
from forecast.plain_text import visible

EXPIRED = (40001, 40014, 42001)  # the token is no longer valid: a new one is fetched once
INVALID_MEDIA = 40007  # a draft or a cover with this id is not there
LONGEST = 160  # [character] of the platform's own words that are repeated
HOUR, DAY = 3600.0, 86400.0
ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a code means. advice: a sentence, {ip} for the address that the platform names.

    final: whether the same request will be refused for ever. pause: [s] before the next attempt,
    where that is longer than usual.
    """

    advice: str
    final: bool = False
    pause: float | None = None


CREDENTIAL = "check SKYSCAPE_WECHAT_APPID and SKYSCAPE_WECHAT_SECRET against the platform's page of"
WHITELIST = "add {ip} to the IP whitelist of the account (mp.weixin.qq.com, developer settings)"
OURS = "please report it: a limit of the platform is not checked before sending"
REFUSALS = {
    -1: Refusal("the platform is busy; it is tried again"),
    40001: Refusal(f"the secret or the token is not valid: {CREDENTIAL} the developer id"),
    40002: Refusal(OURS, final=True),
    40005: Refusal("the picture is of a kind that it does not take: PNG and JPEG only", final=True),
    40007: Refusal("the draft or the cover is not there any more", final=True),
    40009: Refusal("the picture is too large: 1 MB in an article, 10 MB as a cover", final=True),
    40013: Refusal(f"there is no such account: {CREDENTIAL} the developer id"),
    40014: Refusal(f"the token is not valid: {CREDENTIAL} the developer id"),
    40125: Refusal(f"the secret is wrong or was reset: {CREDENTIAL} the developer id"),
    40164: Refusal(WHITELIST, pause=60),
    40243: Refusal(
        "the secret is frozen: somebody unfreezes it at the platform (developer settings)",
        pause=HOUR,
    ),
    41002: Refusal(f"no account was named: {CREDENTIAL} the developer id"),
    41004: Refusal(f"no secret was given: {CREDENTIAL} the developer id"),
    41005: Refusal("the picture did not arrive", final=True),
    42001: Refusal("the token has expired twice in a row: check this machine's clock"),
    44003: Refusal("the article is empty", final=True),
    45001: Refusal("the picture is too large", final=True),
    45002: Refusal(f"the article is too long: {OURS}", final=True),
    45003: Refusal(f"the title is too long: {OURS}", final=True),
    45004: Refusal(f"the digest is too long: {OURS}", final=True),
    45009: Refusal("the day's quota of this request is used up; it begins anew at midnight",
                   pause=HOUR),
    45011: Refusal("too many requests in this minute", pause=60),
    45110: Refusal("the author is too long: shorten delivery.wechat.author", final=True),
    45166: Refusal("the article has content that the platform does not take", final=True),
    47001: Refusal(f"the request is not understood: {OURS}", final=True),
    48001: Refusal(
        "the account may not use this interface: drafts need one with developer rights, publishing "
        "a verified one; without it set publish: false, or paste wechat/article.html by hand",
        final=True,
    ),
    48004: Refusal("the platform has closed this interface to the account: look at its notices",
                   pause=HOUR),
    50002: Refusal("the account is restricted: look at the platform's notices", pause=HOUR),
    53500: Refusal("the platform has closed publishing to the account: look at its notices",
                   final=True),
    53501: Refusal("published too often; it is tried again later", pause=HOUR),
    53502: Refusal("the platform does not know this publication", final=True),
    53503: Refusal("the draft fails the platform's checks: open and correct it there", final=True),
    53504: Refusal("this draft can only be published at the platform itself", final=True),
    53505: Refusal("the draft must be opened and saved at the platform first", final=True),
    53600: Refusal("the platform does not know this article: it may be deleted", final=True),
    61004: Refusal(WHITELIST, pause=60),
    89503: Refusal("the account's administrator must allow {ip}: they were sent a question",
                   pause=600),
    89506: Refusal("the administrator refused {ip} twice; it is closed for 24 hours", pause=DAY),
    89507: Refusal("the administrator refused {ip}; it is closed for an hour", pause=HOUR),
}  # fmt: skip

# Of freepublish/get; 0 is done, 1 is running.
PUBLICATIONS = {
    "2": "it was refused as not original: change the declaration at the platform",
    "3": "it failed: open the draft at the platform and publish it there",
    "4": "the platform's review refused it: open the draft there and see why",
    "5": "it was published, and somebody deleted the article since",
    "6": "it was published, and the platform has blocked the article since: look at its notices",
}


def refusal(where: str, code: int, message: str, secrets: tuple[str, ...] = ()) -> DeliveryError:
    """Return the error of a refused request; none of `secrets` stands in it."""
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    words = " ".join(visible(message).split())[:LONGEST]
    found = REFUSALS.get(code, Refusal("this code is not in the documents that we know"))
    address = ADDRESS.search(words)
    advice = found.advice.format(ip=address[0] if address else "this machine's address")
    return DeliveryError(
        f"{where}: refused with {code} ({words}): {advice}",
        worth_retrying=not found.final,
        retry_after=found.pause,
    )
