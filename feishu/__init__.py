"""The Feishu (Lark) open platform: what comes in, what goes out, and a local sandbox of it.

A library of its own: it knows no retrieval, no web framework and no bot. Inbound modules (`webhook`, `events`,
`crypto`) and outbound ones (`client`, `cardkit`, `stream`, …) never import each other.
"""
