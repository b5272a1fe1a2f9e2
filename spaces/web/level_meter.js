/** How often it looks, in milliseconds. */
const EVERY = 60;
const FLOOR = -100;

/** The loudness of a track, in dBFS (root mean square of the last 40 ms), many times a second until it is closed. */
export class LevelMeter {
  /** @param {MediaStreamTrack} track @param {(level: number) => void} onlevel */
  constructor(track, onlevel) {
    this.context = new AudioContext();
    this.context.resume().catch(() => {}); // some browsers want to be asked; closed meanwhile, it refuses
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 2048;
    this.context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      onlevel(power > 0 ? Math.max(FLOOR, 10 * Math.log10(power)) : FLOOR);
    }, EVERY);
  }

  close() {
    clearInterval(this.timer);
    this.context.close();
  }
}
