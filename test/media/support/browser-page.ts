// A page with a phone in it, without signalling: the test carries its offer and our answer. Text, because it runs in the browser.

export const PAGE = `<!doctype html>
<title>phone</title>
<script>
const pc = new RTCPeerConnection();
let sender;
// Without a sink the browser decodes nothing.
pc.ontrack = ({ streams }) => {
  const audio = new Audio();
  audio.srcObject = streams[0];
  void audio.play();
};
const phone = {
  async offer() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) sender = pc.addTrack(track, stream);
    await pc.setLocalDescription(await pc.createOffer());
    while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
    return pc.localDescription.sdp;
  },
  accept: (sdp) => pc.setRemoteDescription({ type: 'answer', sdp }),
  press: (digit) => sender.dtmf.insertDTMF(digit, 120),
  state: () => pc.connectionState,
  async stats() {
    const report = [...(await pc.getStats()).values()];
    const inbound = report.find((entry) => entry.type === 'inbound-rtp') ?? {};
    const outbound = report.find((entry) => entry.type === 'outbound-rtp') ?? {};
    const remote = report.find((entry) => entry.type === 'remote-inbound-rtp') ?? {};
    return {
      codec: report.find((entry) => entry.id === inbound.codecId)?.mimeType,
      packetsReceived: inbound.packetsReceived,
      packetsLost: inbound.packetsLost,
      audioEnergy: inbound.totalAudioEnergy,
      packetsSent: outbound.packetsSent,
      roundTripSec: remote.roundTripTime ?? null,
    };
  },
};
</script>`;

export interface PageStats {
  readonly codec: string;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly audioEnergy: number;
  readonly packetsSent: number;
  /** From our receiver reports; null before the first. */
  readonly roundTripSec: number | null;
}
