"""The source of a small net, of which tests write modules of their own."""

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).mean((2, 3, 4))
"""
