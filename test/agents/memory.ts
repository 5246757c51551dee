import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are still reachable: the JavaScript heap and buffers outside of it. */
export function liveBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes of JavaScript heap that `work` allocates, garbage included. */
export function allocatedBytes(work: () => void): number {
  const before = getHeapStatistics().total_allocated_bytes;
  work();
  return getHeapStatistics().total_allocated_bytes - before;
}
