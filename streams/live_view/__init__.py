"""Live view in browsers (WebRTC, with single pictures as the fallback); `hub.LiveHub` is the way in.

A camera's own connection is opened on demand, shared by its viewers, and closed after the last one left.
Detection has no part in any of this.
"""
