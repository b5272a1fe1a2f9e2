#!/bin/sh
# Makes spaces/demo/speech.opus, the talk of the demo's host: spoken by espeak-ng, encoded once as Opus (48 kHz mono,
# 20 ms, 48 kb/s) in Ogg. Run it only to change the text or the voices; the result is committed.
# Needs Debian's espeak-ng and ffmpeg.
set -eu
out=${1:-$(dirname "$0")/../spaces/demo/speech.opus}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

n=0
say() { # say VOICE SPEED PITCH TEXT
  n=$((n + 1))
  espeak-ng -v "$1" -s "$2" -p "$3" -w "$work/$(printf %02d $n).wav" "$4"
}

say en-us+m3 165 45 "Good evening, and welcome, everybody. It is good to hear so many of you coming in."
say en-gb+f2 170 60 "Hello! While people find their seats, one word: we talk, you listen, and whoever wants to speak raises a hand."
say en-us+m3 158 40 "Only those who pay for this show can hear it, and that is what keeps it free of advertisements."
say en-gb-scotland+m7 160 35 "Seventeen quick foxes jumped over six lazy dogs, by the way. I had always wanted to say that on air."
say en-us+m3 165 45 "Shall we begin? Yes, let us begin, from the very beginning, once more."

for file in "$work"/*.wav; do printf "file '%s'\n" "$file"; done >"$work/list"
# Levelled to a steady loudness; pauses of a quarter of a second at most, so that whoever comes in soon hears a voice.
pauses=silenceremove=stop_periods=-1:stop_duration=0.25:stop_threshold=-45dB:stop_silence=0.25
ffmpeg -hide_banner -loglevel error -y -f concat -safe 0 -i "$work/list" \
  -af "aresample=48000,loudnorm=I=-20:TP=-3:LRA=7,aresample=48000,$pauses" -ac 1 -ar 48000 \
  -c:a libopus -b:a 48k -vbr on -application voip -frame_duration 20 -map_metadata -1 -fflags +bitexact "$out"
ls -l "$out"
