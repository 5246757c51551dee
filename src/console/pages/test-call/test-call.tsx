// A phone in the page: choose an agent, press call, talk; what happens and what it costs is beside it.

import { useEffect, useRef, useState } from 'react';
import { useNow } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import { clockOf } from '../../lib/duration.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Badge, Empty, Notice, type Tone } from '../../ui/feedback.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { Icon } from '../../ui/icon.tsx';
import { LevelMeter } from './level-meter.tsx';
import { LiveRecord } from './live-record.tsx';
import { type TestCallState, type TestCallView, useTestCall } from './use-test-call.ts';

export function TestCallPage() {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const [query, setQuery] = useQuery();
  const agents = useAgents(workspaceId);
  const agentId = agents.get(query['agent'] ?? null)?.id ?? agents.items[0]?.id ?? '';
  const phone = useTestCall();
  const isLive = LIVE.has(phone.state);
  return (
    <Page
      title="Test call"
      lead="Talk to an agent from this browser. No carrier is involved: only the agent’s time is charged."
    >
      {agents.loaded && agents.items.length === 0 ? (
        <Empty
          icon="agent"
          title="No agent to call"
          action={
            <Button kind="primary" onClick={() => go(at('/agents/new'))}>
              New agent
            </Button>
          }
        >
          Create an agent first.
        </Empty>
      ) : (
        <div className="phone-page">
          <section className="card" aria-label="Phone">
            <div className="card-body phone">
              <Field label="Agent">
                <Select
                  value={agentId}
                  disabled={isLive}
                  options={agents.items.map(({ id, name }) => ({ value: id, label: name }))}
                  onChange={(event) => setQuery({ agent: event.target.value })}
                />
              </Field>
              <Face
                phone={phone}
                disabled={!canWrite || agentId === ''}
                onCall={() => phone.start(workspaceId, agentId)}
              />
              {phone.state === 'failed' && (
                <Notice tone="bad" title="The call did not work">
                  {phone.why}
                </Notice>
              )}
              {!canWrite && <Notice tone="plain">Your key only looks; it cannot place calls.</Notice>}
              {phone.state === 'talking' && <Keypad onDigit={phone.sendDigit} />}
            </div>
          </section>
          <LiveRecord testCallId={phone.testCallId} />
        </div>
      )}
    </Page>
  );
}

const LIVE: ReadonlySet<TestCallState> = new Set(['preparing', 'connecting', 'ringing', 'talking']);
const WORDS: Readonly<Record<TestCallState, { readonly words: string; readonly tone: Tone }>> = {
  idle: { words: 'Ready', tone: 'plain' },
  preparing: { words: 'Preparing', tone: 'info' },
  connecting: { words: 'Connecting', tone: 'info' },
  ringing: { words: 'Reaching the agent', tone: 'info' },
  talking: { words: 'Talking', tone: 'good' },
  ended: { words: 'Ended', tone: 'plain' },
  failed: { words: 'Failed', tone: 'bad' },
};

interface FaceProps {
  readonly phone: TestCallView;
  readonly disabled: boolean;
  onCall(): void;
}

function Face({ phone, disabled, onCall }: FaceProps) {
  const isLive = LIVE.has(phone.state);
  const now = useNow(phone.state === 'talking' ? 250 : null);
  const [lastMs, setLastMs] = useState(0);
  const talkMs = phone.startedAtMs === null ? 0 : now - phone.startedAtMs;
  useEffect(() => {
    if (phone.state === 'talking') setLastMs(talkMs);
  }, [phone.state, talkMs]);
  const { words, tone } = WORDS[phone.state];
  return (
    <div className="phone-face">
      <span role="status">
        <Badge tone={tone} dot={isLive ? 'pulse' : false}>
          {words}
        </Badge>
      </span>
      <span className="phone-clock">
        {clockOf(phone.state === 'talking' ? talkMs : phone.state === 'ended' ? lastMs : 0)}
      </span>
      <div className="row-l">
        {isLive ? (
          <>
            <Button
              icon="mic"
              aria-pressed={phone.muted}
              disabled={phone.state !== 'talking'}
              onClick={phone.toggleMute}
            >
              {phone.muted ? 'Unmute' : 'Mute'}
            </Button>
            <button type="button" className="call-button end" aria-label="Hang up" onClick={phone.hangUp}>
              <Icon name="hangup" />
            </button>
          </>
        ) : (
          <button type="button" className="call-button" aria-label="Call" disabled={disabled} onClick={onCall}>
            <Icon name="phone" />
          </button>
        )}
      </div>
      <LevelMeter label="You" stream={phone.muted ? null : phone.own} />
      <LevelMeter label="Agent" stream={phone.far} agent />
      <FarAudio stream={phone.far} />
    </div>
  );
}

function FarAudio({ stream }: { readonly stream: MediaStream | null }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (audio.current === null) return;
    audio.current.srcObject = stream;
    // A press of the call button came before, so that the browser lets it play.
    if (stream !== null) audio.current.play().catch(() => undefined);
  }, [stream]);
  // biome-ignore lint/a11y/useMediaCaption: the voice of a live call has no captions.
  return <audio ref={audio} autoPlay />;
}

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

function Keypad({ onDigit }: { onDigit(digit: string): void }) {
  return (
    <fieldset>
      <legend className="visually-hidden">Keypad</legend>
      <div className="keypad">
        {KEYS.map((digit) => (
          <Button key={digit} onClick={() => onDigit(digit)}>
            {digit}
          </Button>
        ))}
      </div>
    </fieldset>
  );
}
