"""Events and card callbacks without a public address: a WebSocket that the app opens and the platform talks over.

    connection = LongConnection(client, settings, handle)
    connection.start()

Rules: open.feishu.cn/document event-subscription-guide (long connection); lark-oapi 1.7.5 `ws/client.py`.
"""
