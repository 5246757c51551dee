#!/bin/bash
# Makes the recordings of the code speaker from the texts in <language>/speech.yaml (README.md beside this file).
# Needs espeak-ng and sox.
set -euo pipefail
cd "$(dirname "$0")"

languages=("$@")
[ ${#languages[@]} -gt 0 ] || languages=($(for file in */speech.yaml; do dirname "$file"; done))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Value of a key at the left edge: setting <file> <key>
setting() { sed -n "s/^$2: *//p" "$1"; }

# Every indented `name: text` (phrases and digits), as name<TAB>text.
texts() { sed -n "s/^  '\?\([a-z0-9]*\)'\?: *\(.*\)\$/\1\t\2/p" "$1"; }

for language in "${languages[@]}"; do
  file=$language/speech.yaml
  voice=$(setting "$file" voice)
  speed=$(setting "$file" speed)
  texts "$file" | while IFS=$'\t' read -r name text; do
    espeak-ng -v "$voice" -s "$speed" -w "$work/raw.wav" "$text" </dev/null
    # Telephone band, no silence around the words, 4 dB below full scale, then µ-law. -R and -D: the same bytes each time.
    sox -R -D "$work/raw.wav" -r 8000 -c 1 -b 16 "$work/cut.wav" gain -3 highpass 200 \
      silence 1 0.005 0.6% fade t 0.005 reverse silence 1 0.005 0.6% fade t 0.01 reverse gain -n -4
    sox -R -D "$work/cut.wav" -e mu-law -b 8 "$language/$name.wav"
  done
  echo "$language: $(cat "$language"/*.wav | wc -c) bytes"
done
