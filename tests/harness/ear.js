// Runs in a page before its own scripts: records what the page's media elements really play (not paused, not muted, at
// their volume), so that a test hears what a person would. Also turns the microphone's processing off, which would take
// a steady tone for noise. window.__ear: position(), take(from) → base64 of 16-bit samples at 48 kHz.
(() => {
  if (window.__ear) return;
  const RATE = 48000;
  const context = new AudioContext({ sampleRate: RATE });
  const input = new GainNode(context);
  const chunks = [];
  let samples = 0;

  const keep = (block) => {
    const out = new Int16Array(block.length);
    for (let i = 0; i < block.length; i += 1) out[i] = Math.max(-1, Math.min(1, block[i])) * 32767;
    chunks.push(out);
    samples += out.length;
  };

  // The worklet does not miss a block when the page is busy; where it may not be (an insecure origin, a strict content
  // security policy), the older node does.
  const WORKLET = `registerProcessor("ear", class extends AudioWorkletProcessor {
    block = new Float32Array(1024);
    filled = 0;
    process([input]) {
      const samples = input[0] ?? new Float32Array(128);
      this.block.set(samples, this.filled);
      this.filled += samples.length;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
      return true;
    }
  });`;

  const startWorklet = async () => {
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" })));
    const node = new AudioWorkletNode(context, "ear", { channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = (event) => keep(event.data);
    return node;
  };

  const startScriptProcessor = () => {
    const node = context.createScriptProcessor(16384, 1, 1);
    node.onaudioprocess = (event) => keep(event.inputBuffer.getChannelData(0));
    return node;
  };

  const startRecorder = async () => {
    const node = await (context.audioWorklet ? startWorklet().catch(startScriptProcessor) : startScriptProcessor());
    window.__ear.node = node; // else collected
    input.connect(node).connect(context.destination);
  };

  const elements = new Set();
  const sources = new Map(); // by element: {track, source, gain}

  const update = () => {
    for (const element of elements) {
      const track = element.srcObject?.getAudioTracks()[0] ?? null;
      let wired = sources.get(element);
      if (wired && wired.track !== track) {
        wired.source.disconnect();
        wired.gain.disconnect();
        sources.delete(element);
        wired = undefined;
      }
      if (!track && !wired && element.src.startsWith("blob:")) {
        const source = context.createMediaElementSource(element); // paused, muted and softer with it
        source.connect(input);
        sources.set(element, { track, source, gain: new GainNode(context) });
      }
      if (!track) continue;
      if (!wired) {
        const source = context.createMediaStreamSource(new MediaStream([track]));
        const gain = new GainNode(context, { gain: 0 });
        source.connect(gain).connect(input);
        wired = { track, source, gain };
        sources.set(element, wired);
      }
      wired.gain.gain.value = element.paused || element.muted ? 0 : element.volume;
    }
  };

  const watch = (element) => {
    if (elements.has(element)) return;
    elements.add(element);
    for (const type of ["play", "playing", "pause", "volumechange", "emptied"]) element.addEventListener(type, update);
  };

  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    watch(this);
    const result = play.call(this);
    update();
    return result;
  };
  setInterval(update, 20);

  const devices = navigator.mediaDevices;
  if (devices?.getUserMedia) {
    const getUserMedia = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) => {
      const audio = constraints.audio === true ? {} : constraints.audio;
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      return getUserMedia(audio ? { ...constraints, audio: { ...audio, ...plain } } : constraints);
    };
  }

  window.__ear = {
    position: () => samples,
    state: () => context.state,
    take: (from) => {
      const all = new Int16Array(samples);
      let at = 0;
      for (const chunk of chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
      const bytes = new Uint8Array(all.buffer, Math.min(from, samples) * 2);
      let text = "";
      for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
      return btoa(text);
    },
  };
  startRecorder();
})();
