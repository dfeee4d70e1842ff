"""Indicator systems as practised in China: judgements in pairs, entropy, TOPSIS, beside the path model."""
