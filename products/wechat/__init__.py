"""The official account in WeChat: its articles as drafts, and what becomes of them.

article      an article as the platform takes it, read from its page; the limits
account      the interface of the platform, one method a request
token        the access token, kept in a file
refusals     what each error code means, and what to do
delivering   which draft an issue gets, its publication, its withdrawal

products/channels/wechat.py renders the page of the article and sends it with this.
"""
