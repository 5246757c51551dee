// How loud it is, drawn straight to the element: sixty times a second is too often for a component.

import { useEffect, useRef } from 'react';

interface LevelMeterProps {
  readonly label: string;
  readonly stream: MediaStream | null;
  readonly agent?: boolean;
}

/** Speech at arm's length is about a tenth of full scale: the bar shows it in the middle. */
const GAIN = 4;
const FALL = 0.88;

export function LevelMeter({ label, stream, agent = false }: LevelMeterProps) {
  const fill = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (stream === null || stream.getAudioTracks().length === 0) return undefined;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    const source = context.createMediaStreamSource(stream);
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let level = 0;
    let frame = requestAnimationFrame(function draw() {
      analyser.getFloatTimeDomainData(samples);
      level = Math.max(level * FALL, Math.min(1, Math.sqrt(meanSquare(samples)) * GAIN));
      if (fill.current !== null) fill.current.style.transform = `scaleX(${level.toFixed(3)})`;
      frame = requestAnimationFrame(draw);
    });
    return () => {
      cancelAnimationFrame(frame);
      source.disconnect();
      void context.close();
      if (fill.current !== null) fill.current.style.transform = 'scaleX(0)';
    };
  }, [stream]);
  return (
    <div className={`meter ${agent ? 'agent' : ''}`}>
      <span>{label}</span>
      <div className="track" aria-hidden="true">
        <div className="fill" ref={fill} />
      </div>
    </div>
  );
}

function meanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum / samples.length;
}
