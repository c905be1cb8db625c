"""Addresses of crypto wallets: which network one belongs to, and whether its checksum holds.

The form of an address tells its network, so the address alone is kept. Base58 is BIP-13's, segregated
witness BIP-173 and BIP-350, ethereum's mixed case EIP-55.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from Crypto.Hash import keccak
from stdnum.bitcoin import b58decode

from withdrawals import bech32


class NotAnAddress(ValueError):
    """The message says what is wrong and the way out."""


@dataclass(frozen=True, slots=True)
class Network:
    """A chain and the currencies that its addresses can hold, its own first."""

    name: str
    coins: tuple[str, ...]


BITCOIN = Network("Bitcoin", ("BTC",))
LITECOIN = Network("Litecoin", ("LTC",))
ETHEREUM = Network("Ethereum", ("ETH", "USDT", "USDC"))
TRON = Network("Tron", ("TRX", "USDT", "USDC"))

_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{25,40}", re.ASCII)
# The first byte of a base58 address: key and script hashes of each network.
_BASE58_NETWORKS = {0x00: BITCOIN, 0x05: BITCOIN, 0x30: LITECOIN, 0x32: LITECOIN, 0x41: TRON}
_SEGWIT_NETWORKS = {"bc": BITCOIN, "ltc": LITECOIN}
_HEX = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wallet:
    network: Network
    address: str


def read(text: str) -> Wallet:
    """Return the network and the canonical address, or raise NotAnAddress."""
    if text[:2] in ("0x", "0X"):
        return Wallet(ETHEREUM, _ethereum(text))
    prefix = text.lower().partition("1")[0]
    if prefix in _SEGWIT_NETWORKS:
        return Wallet(_SEGWIT_NETWORKS[prefix], _segwit(prefix, text))
    return Wallet(_base58_network(text), text)


def network_of(address: str) -> Network:
    """Return the network of an address that was read before."""
    return read(address).network


def _ethereum(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise NotAnAddress("An ethereum address is 0x and forty hexadecimal digits; send all of it.")
    digits = text[2:]
    shadow = keccak.new(digest_bits=256, data=digits.lower().encode()).hexdigest()
    mixed = "".join(d.upper() if int(s, 16) >= 8 else d for d, s in zip(digits.lower(), shadow, strict=False))
    # All of one case carries no checksum; mixed case must carry the right one.
    if digits not in (digits.lower(), digits.upper(), mixed):
        raise NotAnAddress("The capitals of this ethereum address do not fit; copy it again from the wallet.")
    return f"0x{mixed}"


def _segwit(prefix: str, text: str) -> str:
    if bech32.witness_of(prefix, text) is None:
        raise NotAnAddress("The checksum of this address is wrong; copy it again from the wallet.")
    return text.lower()


def _base58_network(text: str) -> Network:
    if not _BASE58.fullmatch(text):
        raise NotAnAddress("This is not an address of Bitcoin, Litecoin, Ethereum or Tron; copy it from the wallet.")
    raw = b58decode(text)
    body, checksum = raw[:-4], raw[-4:]
    if len(raw) != 25 or sha256(sha256(body).digest()).digest()[:4] != checksum:
        raise NotAnAddress("The checksum of this address is wrong; copy it again from the wallet.")
    network = _BASE58_NETWORKS.get(body[0])
    if network is None:
        raise NotAnAddress("This address belongs to a network that is not paid to; send another one.")
    return network
