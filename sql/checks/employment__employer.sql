-- JY GXBYQX: 10 派遣, 20 用人单位接收, 30 升学, 70 定向委培, 80 国家地方项目 are with somebody.
select source_system, source_row
from employment
where destination_code in ('10', '20', '30', '70', '80') and employer is null
