// STIR/SHAKEN of a call in: what the carrier says of the caller's number, and what its silence means.

import type { Call, Trunk } from '../../api/resources.ts';
import { levelText, problemText, verdictText } from '../../lib/carrier-words.ts';

interface AttestationProps {
  readonly call: Call;
  /** Undefined where it is the operator's, or not read yet. */
  readonly trunk: Trunk | undefined;
}

export function Attestation({ call: { attestation }, trunk }: AttestationProps) {
  if (attestation === null)
    return (
      <span className="soft">
        {trunk?.attestation === 'ignored' ? 'Not looked at: the trunk ignores it' : 'The carrier says nothing'}
      </span>
    );
  const { level, carrierVerdict, problem } = attestation;
  const isDoubtful = level === null || carrierVerdict === 'failed';
  const verdict = verdictText(carrierVerdict);
  return (
    <div className="stack-s">
      <span className={isDoubtful ? 'warn' : ''}>{upper(levelText(level))}</span>
      {verdict !== '' && (
        <span className={`small ${carrierVerdict === 'failed' ? 'warn' : 'soft'}`}>{upper(verdict)}</span>
      )}
      {problem !== null && <span className="small warn">{upper(problemText(problem))}</span>}
    </div>
  );
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
