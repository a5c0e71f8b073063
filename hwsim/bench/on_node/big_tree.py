"""Write a big house's voicemail below the directory named, the same every time; runs on a node.

BOXES mailboxes of 100 messages, each a sound of about 40 kB and a text: 100,000 files and 2 GB with 500.
"""

import os
import random
import sys

MESSAGES = 100
_SMALLEST, _BIGGEST = 35_000, 45_000

top, boxes = sys.argv[1], int(sys.argv[2])
dice = random.Random(7)
noise = dice.randbytes(1 << 20)
for box in range(1000, 1000 + boxes):
    inbox = f"{top}/{box}/INBOX"
    os.makedirs(inbox)  # noqa: PTH103
    for number in range(MESSAGES):
        begin = dice.randrange(len(noise) - _BIGGEST)
        with open(f"{inbox}/msg{number:04d}.wav", "wb") as sound:  # noqa: PTH123 - 100,000 times
            sound.write(
                b"RIFF %d %d " % (box, number) + noise[begin : begin + dice.randrange(_SMALLEST, _BIGGEST)]
            )
        with open(f"{inbox}/msg{number:04d}.txt", "w") as text:  # noqa: PTH123
            text.write(f"[message]\norigmailbox={box}\ncallerid={number}\nduration=2\n")
