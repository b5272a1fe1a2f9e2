"""Publishes a tone by GStreamer's webrtcbin over WHIP. Run by Debian's Python: URL TOKEN HERTZ SECONDS.

Prints one JSON object per event: {"event": "answered" | "connected" | "ended" | "failed", …}.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

import gi  # type: ignore[import-not-found,unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

PIPELINE = (
    "webrtcbin name=rtc bundle-policy=max-bundle "
    "audiotestsrc is-live=true wave=sine freq={hertz} volume=0.2 ! audio/x-raw,rate=48000,channels=1 "
    "! opusenc bitrate=64000 ! rtpopuspay pt=96 "
    "! application/x-rtp,media=audio,encoding-name=OPUS,payload=96 ! rtc."
)


def say(event: str, **more: Any) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


class Publisher:
    def __init__(self, url: str, token: str, hertz: float) -> None:
        self.url, self.token = url, token
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(PIPELINE.format(hertz=hertz))
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("on-negotiation-needed", self.negotiate)
        self.rtc.connect("notify::connection-state", self.changed)

    def run(self, seconds: float) -> None:
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add(int(seconds * 1000), self.loop.quit)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        say("ended")

    def negotiate(self, rtc: Any) -> None:
        rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered, None))

    def offered(self, promise: Any, _: Any) -> None:
        # Each step is held by a name: the bindings free what nobody holds, with all that is inside.
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        message = offer.sdp
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())
        request = urllib.request.Request(
            self.url,
            data=message.as_text().encode(),
            headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            say("failed", status=error.code, body=error.read().decode(errors="replace"))
            self.loop.quit()
            return
        _, parsed = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, parsed)
        self.rtc.emit("set-remote-description", answer, Gst.Promise.new())
        say("answered")

    def changed(self, rtc: Any, _: Any) -> None:
        state = rtc.get_property("connection-state").value_nick
        if state in ("connected", "failed"):
            say(state)


if __name__ == "__main__":
    os.environ.pop("GST_DEBUG", None)
    Gst.init(None)
    url, token, hertz, seconds = sys.argv[1:]
    Publisher(url, token, float(hertz)).run(float(seconds))
