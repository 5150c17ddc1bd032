"""NetJSON DeviceMonitoring over HTTP, as OpenWISP's agent for OpenWrt posts it (docs/netjson.md).

views (who asks) → receive (boot, order, the store of ingest) → document (pure: NetJSON to the contract's measurements).
"""
