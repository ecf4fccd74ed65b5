class Loader:
    def __init__(self, settings, intake): pass
    async def run(self):
        import asyncio
        await asyncio.Event().wait()
    def waiting(self): return 0
    def freshness(self): return {}
    def wake(self): pass
    async def status(self, name): return []
