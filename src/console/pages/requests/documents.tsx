// Documents: chosen or dropped, looked at for type and size here, known by their content at the gateway, stored encrypted there.

import { type DragEvent, useId, useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { ProblemError } from '../../api/problem.ts';
import { request as ask } from '../../api/request.ts';
import type { NumberRequest, NumberRequirement } from '../../api/resources.ts';
import { Badge, ProblemNotice } from '../../ui/feedback.tsx';
import { Button } from '../../ui/button.tsx';
import { Time } from '../../ui/show.tsx';
import type { RequestPartProps } from './request.tsx';
import { isAsked } from './requirements.ts';

type Rule = NumberRequirement['documents'][number];

const BYTES_MAX = 5 * 1024 * 1024;
const TYPES = ['application/pdf', 'image/jpeg', 'image/png'];

export function Documents({ request, requirement, canEdit, onChange }: RequestPartProps) {
  const savedOf = (name: string): string | null => request.fields[name]?.value ?? null;
  const asked = requirement.documents.filter((rule) => isAsked(rule, savedOf));
  if (asked.length === 0) return null;
  return (
    <section className="card" aria-labelledby="documents">
      <div className="card-head">
        <h2 id="documents">Documents</h2>
        <span className="small soft">PDF, JPEG or PNG, at most 5 MB each</span>
      </div>
      <div className="card-body form">
        {asked.map((rule) => (
          <DocumentRow key={rule.kind} rule={rule} request={request} canEdit={canEdit} onChange={onChange} />
        ))}
      </div>
    </section>
  );
}

interface DocumentRowProps extends Omit<RequestPartProps, 'requirement'> {
  readonly rule: Rule;
}

function DocumentRow({ rule, request, canEdit, onChange }: DocumentRowProps) {
  const own = request.documents.filter(({ kind }) => kind === rule.kind);
  const removing = useAction(async (documentId: string) => {
    await call('DELETE /v1/number-requests/{id}/documents/{documentId}', { params: { id: request.id, documentId } });
    onChange(await call('GET /v1/number-requests/{id}', { params: { id: request.id } }));
  });
  return (
    <div className="stack-s">
      <div className="spread top">
        <div>
          <h3>
            {rule.label} {!rule.required && <span className="optional faint">(optional)</span>}
          </h3>
          <p className="small soft">
            {rule.help}
            {rule.maxAgeMonths === null ? '' : ` Not older than ${rule.maxAgeMonths} months.`}
          </p>
        </div>
        <Badge tone={own.length > 0 ? 'good' : 'warn'}>{own.length > 0 ? 'Uploaded' : 'Pending'}</Badge>
      </div>
      {own.map((document) => (
        <DocumentLine
          key={document.id}
          request={request}
          document={document}
          onRemove={canEdit ? () => void removing.run(document.id) : undefined}
        />
      ))}
      {removing.problem !== undefined && <ProblemNotice problem={removing.problem} />}
      {canEdit && <Upload rule={rule} request={request} onChange={onChange} />}
    </div>
  );
}

interface DocumentLineProps {
  readonly request: NumberRequest;
  readonly document: NumberRequest['documents'][number];
  readonly onRemove?: (() => void) | undefined;
}

export function DocumentLine({ request, document, onRemove }: DocumentLineProps) {
  const { id, mediaType, bytes, createdAt } = document;
  const kind = mediaType === 'application/pdf' ? 'PDF' : mediaType === 'image/png' ? 'PNG' : 'JPEG';
  return (
    <div className="address" style={{ fontFamily: 'inherit' }}>
      <a href={`/v1/number-requests/${request.id}/documents/${id}`} download>
        {kind}, {Math.max(1, Math.round(bytes / 1024)).toLocaleString('en-US')} KB
      </a>
      <span className="row">
        <span className="small soft">
          <Time at={createdAt} />
        </span>
        {onRemove !== undefined && (
          <Button kind="quiet" size="s" icon="trash" aria-label="Erase this document" onClick={onRemove} />
        )}
      </span>
    </div>
  );
}

/** What the gateway would refuse after megabytes were sent is refused here before. */
function checkFile(file: File): void {
  const refuse = (title: string): never => {
    throw new ProblemError({ status: 0, code: 'document_refused', title });
  };
  if (!TYPES.includes(file.type)) refuse('It must be a PDF, a JPEG or a PNG');
  if (file.size > BYTES_MAX) refuse('It is larger than 5 MB');
  if (file.size === 0) refuse('The file is empty');
}

function Upload({ rule, request, onChange }: Omit<DocumentRowProps, 'canEdit'>) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const uploading = useAction(async (file: File) => {
    checkFile(file);
    const form = new FormData();
    form.append('kind', rule.kind);
    form.append('file', file);
    onChange(await ask<NumberRequest>('POST', `/v1/number-requests/${request.id}/documents`, { raw: form }));
  });
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file !== undefined) void uploading.run(file);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is beside the button, which does the same. */}
      <div
        className={`drop ${over ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          ref={input}
          id={id}
          type="file"
          className="visually-hidden"
          tabIndex={-1}
          accept={TYPES.join(',')}
          aria-label={`File for ${rule.label}`}
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = '';
            if (file !== undefined) void uploading.run(file);
          }}
        />
        <Button size="s" icon="upload" busy={uploading.busy} onClick={() => input.current?.click()}>
          <span>
            Upload file<span className="visually-hidden">: {rule.label}</span>
          </span>
        </Button>
        <span className="small faint">or drop the file here</span>
      </div>
      {uploading.problem !== undefined && <ProblemNotice problem={uploading.problem} />}
    </>
  );
}
