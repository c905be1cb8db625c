"""Segregated witness addresses: BIP-173 (bech32, version 0) and BIP-350 (bech32m, version 1 and above)."""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
_LONGEST = 90
_CHECKSUM_LENGTH = 6


def witness_of(prefix: str, address: str) -> tuple[int, bytes] | None:
    """Return the witness version and program of an address under ``prefix``, or None if it is not one."""
    decoded = decode(address)
    if decoded is None:
        return None
    found_prefix, data, constant = decoded
    if found_prefix != prefix or not data or data[0] > 16:
        return None
    version, program = data[0], _to_bytes(data[1:])
    if program is None or not 2 <= len(program) <= 40:
        return None
    if version == 0 and len(program) not in (20, 32):
        return None
    if constant != (_BECH32 if version == 0 else _BECH32M):
        return None
    return version, program


def decode(text: str) -> tuple[str, list[int], int] | None:
    """Return prefix, five-bit values without the checksum, and the checksum's constant; None if invalid."""
    if len(text) > _LONGEST or any(not 33 <= ord(character) <= 126 for character in text):
        return None
    if text not in (text.lower(), text.upper()):
        return None
    prefix, separator, tail = text.lower().rpartition("1")
    if not separator or not prefix or len(tail) < _CHECKSUM_LENGTH:
        return None
    if any(character not in _ALPHABET for character in tail):
        return None
    values = [_ALPHABET.index(character) for character in tail]
    constant = _polymod(_expanded(prefix) + values)
    if constant not in (_BECH32, _BECH32M):
        return None
    return prefix, values[:-_CHECKSUM_LENGTH], constant


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check


def _expanded(prefix: str) -> list[int]:
    return [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]


def _to_bytes(values: list[int]) -> bytes | None:
    """Return eight-bit bytes of five-bit values; None if the padding is too long or not zero."""
    number, bits = 0, 0
    result = bytearray()
    for value in values:
        number, bits = (number << 5 | value) & 0xFFF, bits + 5
        if bits >= 8:
            bits -= 8
            result.append(number >> bits & 0xFF)
    if bits >= 5 or number & ((1 << bits) - 1):
        return None
    return bytes(result)
