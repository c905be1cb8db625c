"""The pair of keys by which the sandbox signs webhooks as PayPal does. Invented for it, and no secret."""

import hashlib

MODULUS = int(
    """
    99996e65341d03e79145ce997539dff48013c7c86256772747158406297c6bb385b1c3639aa1b79ad3ac0e34f0a9938b
    8ceb84f0821ec2abe41545c5f9abe95919634ea8c777769dc04711cb212bba60c45207aaa408352b5b8ea97bc06c14d9
    a7352d5bef2f34799a4127b522183f8929d2fe84b719617954cabba08b6cb9afed33adc7e7d9feae0772972e0f2c6a78
    759e2154d43b2a2d10e2cb7560e1511c3618852915aae2eb0f45e5a0780a399c884cbdb6009652ea54a5342d5fd180ba
    b3960e96c19635e874f1477fe93b3ac90876e770d66dbe3cf6f0347c64c3722aabb89a67628ad84f13e7043578a398a0
    22fd8c1d301b68627990214c8b55f367
    """.replace("\n", "").replace(" ", ""),
    16,
)
EXPONENT = int(
    """
    e24cf28635bb3d4bdcf6f619fbfcc28cb273a56bd010548a2a04292cd165defb8d1ea1213f052b112b590d4898cb3f2a
    489537683be76fc35e01797815db5fab464f9d1b1af9ee02bdc12b1615e91d9cce08c0cfaf038252a57f44a8d5c4ce40
    2be0cd39ec7fa6709c9abbdf8fd5b6c66638a452248be070dc42ef208717c960e7924ad5f4e2fba4c99df0ca35e3c6f1
    26693aabfefd55118b3ba62b16190305d98538cd769320a8968abe6789e3a9bc240c9e1d085d147e1ffe52cd36675877
    d65f58b7997fa72425aab782d47f6a912ce85a64fd5d63faa2955d8f7e5b5e2fb91241b046898a54ee0568c96be78377
    c29c94c2c34bfeee93cc703be318521
    """.replace("\n", "").replace(" ", ""),
    16,
)
# What says that a digest of SHA-256 follows (RFC 8017, 9.2).
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def signature(message: bytes) -> bytes:
    """PKCS #1 1.5 with SHA-256."""
    size = (MODULUS.bit_length() + 7) // 8
    told = _SHA256 + hashlib.sha256(message).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(told) - 3) + b"\x00" + told
    return pow(int.from_bytes(padded, "big"), EXPONENT, MODULUS).to_bytes(size, "big")
