"""Which draft an issue gets at the platform, its publication, and its withdrawal.

One draft a local day: a later issue, a changed article or a withdrawal replaces the article in it,
so that no stale draft waits to be published. A draft that is not in the box any more was published
or deleted by somebody: the same issue gets no second one, a later one or a withdrawal does.

What was tried stands in the outbox before it is tried (all under the id of the account):

    draft:<day>            title while one is being made, media_id once it is there, `of`: of what
    publication:<issue>    publish_id, then article_id
    deletion:<issue>       of a published article
    image:<sha256>, cover:<sha256>    the name that the platform gave a picture

A request that adds a draft or publishes one is never sent a second time before a look whether the
first arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from forecast.errors import DeliveryError
from forecast.sent import FAILED, SENDING, SENT, WITHDRAWN, Sent
from forecast.settings.delivery import WECHAT_ID, WECHAT_SECRET, WeChatSettings
from products.delivery import Delivery, digest_of
from products.wechat.account import OfficialAccount
from products.wechat.article import Article, article_of, content_faults, with_addresses
from products.wechat.refusals import PUBLICATIONS
from products.wechat.token import KeptToken

NOBODY = "account"  # the receiver while no account is named
LONGEST_ID = 40  # [character] of a receiver
LOOK_BACK = timedelta(days=2)  # titles are used anew each year: an older one is another issue's
ASK = timedelta(minutes=1)  # between two looks how a publication stands
GONE = (
    "the draft is not in the box any more: published or deleted by somebody; it is not made again"
)
GIVE_UP = timedelta(minutes=30)  # after which an unclear publication is left to a person


class IssueDelivery:
    """One issue, or its withdrawal, on its way to the account. Raises: DeliveryError."""

    def __init__(self, delivery: Delivery, settings: WeChatSettings) -> None:
        self.delivery, self.settings = delivery, settings
        self.issue, self.now, self.outbox = delivery.issue, delivery.now, delivery.outbox
        self.receiver = delivery.secrets.get(WECHAT_ID, NOBODY)[:LONGEST_ID]
        day = self.issue.issued.astimezone(delivery.config.zone).date()
        self.draft_key = f"draft:{day.isoformat()}"
        # what a draft is of: an issue, or the note that it is withdrawn
        self.subject = f"{self.issue.id} withdrawn" if delivery.withdrawal else self.issue.id

    def draft(self) -> str:
        """Bring the article into the draft of its day; return what was done, "" for nothing."""
        kept = self.outbox.find(self.receiver, self.draft_key)
        if self.delivery.withdrawal and (kept is None or kept.issue != self.issue.id):
            return ""  # it was never sent
        article = article_of(self.delivery)
        digest = article.fingerprint
        if kept and (kept.state, kept.issue, kept.digest) == (SENT, self.issue.id, digest):
            return ""
        if kept and self._waits(kept, digest):
            return ""
        return self._attempt(self.draft_key, digest, lambda sent: self._put(article, sent))

    def publication(self) -> str:
        """Publish the draft where the settings ask for it, and see how that stands; delete what
        was published of an issue that is withdrawn.
        """
        key = f"publication:{self.issue.id}"
        kept = self.outbox.find(self.receiver, key)
        if kept and kept.state == SENDING:
            return self._ask(key, kept)
        if self.delivery.withdrawal:
            return self._unpublish(kept) if kept and kept.state == SENT else ""
        draft = self.outbox.find(self.receiver, self.draft_key)
        if not self.publishes or draft is None or draft.state != SENT:
            return ""
        if draft.remote.get("of") != self.issue.id or draft.remote.get("gone"):
            return ""
        if kept and (kept.state != FAILED or self._waits(kept, draft.digest)):
            return ""
        return self._attempt(key, draft.digest, lambda sent: self._submit(key, sent, draft))

    @property
    def publishes(self) -> bool:
        """Whether drafts are published: asked for, and somebody is named who may issue."""
        return self.settings.publish and self.delivery.config.issuer.official

    def _put(self, article: Article, sent: Sent) -> str:
        """Update the draft that is known or found; add one where there is none."""
        if faults := list(article.faults()):
            raise DeliveryError(f"not sent to WeChat: {'; '.join(faults)}")
        account = self._account()
        fields = self._fields(account, article)
        draft, tried = sent.remote.get("media_id", ""), sent.remote.get("title", "")
        if not draft and tried:
            draft = account.find_draft({tried, article.title}, self.now - LOOK_BACK)
        gone = bool(draft) and not self._updated(account, draft, article, fields)
        if gone and sent.remote.get("of") == self.subject:
            return self._done(sent, article, draft, GONE, "yes")
        if draft and not gone:
            return self._done(sent, article, draft, f"draft updated: {article.title}")
        if self.delivery.withdrawal and not gone and not sent.remote.get("of"):
            return self._done(sent, article, "", "the draft had not arrived: nothing to withdraw")
        self.outbox.keep(self.receiver, self.draft_key,
                         replace(sent, remote={"title": article.title}))  # fmt: skip
        draft = account.add_draft(fields) or account.add_draft(self._renewed(account, article))
        if not draft:
            raise DeliveryError("draft/add: refused with 40007: the cover is not accepted")
        return self._done(sent, article, draft, f"draft added: {article.title}{self._advice(gone)}")

    def _advice(self, gone: bool) -> str:
        """Return what is left to do for a person, after a new draft."""
        if self.delivery.withdrawal:
            kept = self.outbox.find(self.receiver, f"publication:{self.issue.id}")
            if gone and (kept is None or kept.state == FAILED):
                return ("; the withdrawn article is not among the drafts: if somebody published "
                        "it, delete it at mp.weixin.qq.com")  # fmt: skip
            return ""
        if self.settings.publish and not self.publishes:
            return "; not published: issuer.bodies names nobody who may issue"
        return "" if self.publishes else "; a person publishes it at mp.weixin.qq.com"

    def _updated(
        self, account: OfficialAccount, draft: str, article: Article, fields: dict[str, str]
    ) -> bool:
        """Return whether a draft has the article now; False where it is gone."""
        if account.update_draft(draft, fields):
            return True
        if not account.has_draft(draft):
            return False
        if account.update_draft(draft, self._renewed(account, article)):
            return True
        raise DeliveryError("draft/update: refused with 40007: the cover is not accepted")

    def _fields(self, account: OfficialAccount, article: Article) -> dict[str, str]:
        """Return the article as draft/add takes it, its pictures and its cover uploaded."""
        addresses = {
            address: self._uploaded("image", body, account.upload_image)
            for address, body in article.images.items()
        }
        return {
            "title": article.title,
            "author": article.author,
            "digest": article.digest,
            "content": self._content(with_addresses(article.content, addresses)),
            "content_source_url": article.source,
            "thumb_media_id": self._uploaded("cover", article.cover, account.upload_cover),
        }

    def _content(self, content: str) -> str:
        """Return the content, whose pictures have longer addresses now, if it still fits."""
        if faults := list(content_faults(content)):
            raise DeliveryError(f"not sent to WeChat: {'; '.join(faults)}")
        return content

    def _renewed(self, account: OfficialAccount, article: Article) -> dict[str, str]:
        """Return the article with its cover uploaded anew: somebody deleted it there."""
        key = f"cover:{hashlib.sha256(article.cover).hexdigest()}"
        if kept := self.outbox.find(self.receiver, key):
            self.outbox.keep(self.receiver, key, replace(kept, state=WITHDRAWN))
        return self._fields(account, article)

    def _uploaded(self, kind: str, body: bytes, upload: Callable[[bytes], str]) -> str:
        """Return the name that the platform has for a picture, uploaded once."""
        digest = hashlib.sha256(body).hexdigest()
        key = f"{kind}:{digest}"
        kept = self.outbox.find(self.receiver, key)
        if kept and kept.state == SENT:
            return kept.remote["name"]

        def act(sent: Sent) -> str:
            name = upload(body)
            self.delivery.done(self.receiver, key, sent, {"name": name})
            return name

        return self._attempt(key, digest, act)

    def _done(self, sent: Sent, article: Article, draft: str, detail: str, gone: str = "") -> str:
        remote = {"media_id": draft, "title": article.title, "of": self.subject, "gone": gone}
        self.delivery.done(self.receiver, self.draft_key, sent, remote)
        return detail

    def _submit(self, key: str, sent: Sent, draft: Sent) -> str:
        """Begin the publication of a draft."""
        remote = {"title": draft.remote["title"], "media_id": draft.remote["media_id"]}
        sent = replace(sent, remote=remote)
        self.outbox.keep(self.receiver, key, sent)
        publication = self._account().submit(remote["media_id"])
        self.outbox.keep(self.receiver, key, replace(sent, remote={**remote, "id": publication}))
        return "publication begun"

    def _ask(self, key: str, kept: Sent) -> str:
        """See how a publication stands that has begun, or may have."""
        asked = datetime.fromisoformat(kept.remote.get("asked") or kept.at.isoformat())
        if self.now < asked + ASK:
            return ""
        kept = replace(kept, remote={**kept.remote, "asked": self.now.isoformat()})
        self.outbox.keep(self.receiver, key, kept)
        if not kept.remote.get("id"):
            return self._look(key, kept)
        found = self._account().publication(kept.remote["id"])
        status = found.get("publish_status")
        if status == 1:
            return ""
        if status == 0:
            items = (found.get("article_detail") or {}).get("item") or [{}]
            address = str(items[0].get("article_url", ""))
            return self._published(key, kept, str(found.get("article_id", "")), address)
        reason = PUBLICATIONS.get(str(status), f"its state {status!r:.20} is not documented")
        return self._ended(key, kept, f"the publication of {kept.remote['title']}: {reason}")

    def _look(self, key: str, kept: Sent) -> str:
        """Look whether a publication came about whose beginning is unclear."""
        article = self._account().find_published(kept.remote.get("title", ""), kept.at - LOOK_BACK)
        if article:
            return self._published(key, kept, article, "")
        if self.now < kept.at + GIVE_UP:
            return ""
        return self._ended(
            key, kept, "it is unclear whether the publication began, and it is not begun again: "
            "look at mp.weixin.qq.com and publish the draft there",
        )  # fmt: skip

    def _published(self, key: str, kept: Sent, article: str, address: str) -> str:
        remote = {**kept.remote, "article_id": article, "url": address}
        self.delivery.done(self.receiver, key, kept, remote)
        return f"published: {address or article}"

    def _ended(self, key: str, kept: Sent, reason: str) -> str:
        """Keep that a publication came to nothing, and raise why."""
        error = DeliveryError(reason)
        self.delivery.failed(self.receiver, key, kept, error)
        raise error

    def _unpublish(self, published: Sent) -> str:
        """Delete the published article of an issue that is withdrawn."""
        key, digest = f"deletion:{self.issue.id}", digest_of(published.remote["article_id"])
        kept = self.outbox.find(self.receiver, key)
        if kept and (kept.state == SENT or self._waits(kept, digest)):
            return ""

        def act(sent: Sent) -> str:
            try:
                self._account().delete_published(published.remote["article_id"])
            except DeliveryError as error:
                raise DeliveryError(
                    f"the withdrawn article is still published, delete it at mp.weixin.qq.com: "
                    f"{error}", worth_retrying=error.worth_retrying, retry_after=error.retry_after,
                ) from error  # fmt: skip
            self.delivery.done(self.receiver, key, sent)
            return "the published article is deleted"

        return self._attempt(key, digest, act)

    def _account(self) -> OfficialAccount:
        """Return the account. Raises: DeliveryError where the environment names none."""
        secrets = self.delivery.secrets
        if lacking := [name for name in (WECHAT_ID, WECHAT_SECRET) if not secrets.get(name)]:
            raise DeliveryError(
                f"delivery.wechat: {' and '.join(lacking)} must be set in the environment",
                worth_retrying=True,
            )
        kept = KeptToken(self.delivery.config.private_folder, secrets[WECHAT_ID], self.now)
        return OfficialAccount(self.settings.url, secrets[WECHAT_ID], secrets[WECHAT_SECRET], kept)

    def _attempt(self, key: str, digest: str, act: Callable[[Sent], str]) -> str:
        """Do something that the outbox knows of before and after."""
        sent = self.delivery.begun(self.receiver, key, digest[:32])
        try:
            return act(sent)
        except DeliveryError as error:
            now = self.outbox.find(self.receiver, key) or sent  # with what was kept meanwhile
            if error.retry_after:
                until = self.now + timedelta(seconds=error.retry_after)
                now = replace(now, remote={**now.remote, "not_before": until.isoformat()})
            self.delivery.failed(self.receiver, key, now, error)
            raise

    def _waits(self, kept: Sent, digest: str) -> bool:
        """Return whether it is too early to try again what failed, or may have arrived."""
        until = kept.remote.get("not_before")
        if until and self.now < datetime.fromisoformat(until):
            return True
        if kept.state == SENDING:
            return not kept.due(self.now)
        return kept.state == FAILED and kept.digest == digest[:32] and not kept.due(self.now)
